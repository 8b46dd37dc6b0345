"""What the lint tests share: the project's C sources, read without comments and strings."""
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

TOKEN = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)


def files(*folders, endings=(".c", ".h")):
    """Paths, relative to the root and sorted, of the sources below the folders."""
    found = []
    for folder in folders:
        for where, _, names in os.walk(os.path.join(ROOT, folder)):
            found += [os.path.relpath(os.path.join(where, name), ROOT) for name in names if name.endswith(endings)]
    return sorted(found)


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def without_comments_and_strings(text):
    """The same text with comments and the insides of strings blanked: lines and columns stay."""
    def blank(match):
        token = match.group(0)
        kept = re.sub(r"[^\n]", " ", token)
        return kept if token[0] == "/" else token[0] + kept[1:-1] + token[-1]
    return TOKEN.sub(blank, text)


def functions(path):
    """(name, signature, first line, last line) of each function defined in a file, lines from 0; the sources are formatted, so a body is braces in the
    first column."""
    lines = without_comments_and_strings(read(path)).split("\n")
    begin = None
    for number, line in enumerate(lines):
        if line.rstrip() == "{":
            begin = number
        elif line.rstrip() == "}" and begin is not None:
            first = begin - 1
            while first > 0 and re.match(r"\s|\)", lines[first]):
                first -= 1
            signature = " ".join(lines[first:begin])
            name = re.search(r"(\w+)\s*\(", signature)
            if name:
                yield name.group(1), signature, first, number
            begin = None


def finish(problems, checked):
    """Ends a lint test: its problems, one a line, or what was checked."""
    for problem in problems:
        print(problem)
    print(f"{len(problems)} problem{'s' if len(problems) != 1 else ''} in {checked}")
    sys.exit(1 if problems else 0)

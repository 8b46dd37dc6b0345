#!/usr/bin/python3
"""Every test that docs/reliability.md and docs/security.md name exists, and every row names one.

A test is named as `folder/file: case` with a folder below tests/, or as `folder/file` alone when the whole file is meant."""
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = ["docs/reliability.md", "docs/security.md"]
NAMED = re.compile(r"`((?:integration|unit|sim|python|fuzz|lint|soak)/[\w/]+)(?:: (\w+))?`")


def source_of(path):
    for suffix in (".c", ".py"):
        file = ROOT / "tests" / (path + suffix)
        if file.is_file():
            return file.read_text()
    return None


def problems_of(document):
    text = (ROOT / document).read_text()
    for path, case in NAMED.findall(text):
        source = source_of(path)
        if source is None:
            yield f"{document}: there is no tests/{path}.c or .py"
        elif case and not re.search(rf"\b{case}\b", source):
            yield f"{document}: tests/{path} has no {case}"
    for number, line in enumerate(text.splitlines(), 1):
        row = line.startswith("| ") and not line.startswith("| --") and "test |" not in line
        if row and "<!-- no test -->" not in line and in_test_table(text, number) and not NAMED.search(line):
            yield f"{document}:{number}: a row without a test"


def in_test_table(text, number):
    """Whether the table around this line has a last column `test`."""
    lines = text.splitlines()
    at = number - 1
    while at > 0 and lines[at - 1].startswith("|"):
        at -= 1
    return lines[at].rstrip().endswith("| test |")


def main():
    problems = [problem for document in DOCUMENTS for problem in problems_of(document)]
    count = sum(len(NAMED.findall((ROOT / document).read_text())) for document in DOCUMENTS)
    for problem in problems:
        print(problem)
    print(f"{len(problems)} problems in {count} references")
    sys.exit(1 if problems or count == 0 else 0)


if __name__ == "__main__":
    main()

#!/usr/bin/python3
"""Every function of src/ that other files can see has a use in src/, cli/ or the Python extension: what only tests call is not part of the program.

Exported functions are used by others. A mention counts as a use inside a function (another one, itself used), in an initialiser or in a macro; a
declaration does not."""
import os
import re
import sys

import source

WORD = re.compile(r"\b[A-Za-z_]\w*\b")


def visible_functions(path):
    """{name: place} of those defined in the file that another file can name."""
    return {name: f"{path}:{first + 1}" for name, signature, first, _ in source.functions(path)
            if path.endswith(".h") or "static" not in signature.split()}


def mentions(path):
    """(name, the function it stands in, or "" for none) of each use in the file: not of declarations."""
    lines = source.without_comments_and_strings(source.read(path)).split("\n")
    inside = {line: name for name, _, first, last in source.functions(path) for line in range(first, last + 1)}
    depth, statement, in_macro = 0, "", False
    for number, line in enumerate(lines):
        macro = in_macro or line.lstrip().startswith("#")
        in_macro = macro and line.endswith("\\")
        for token in re.findall(r"[A-Za-z_]\w*|[{};=]", line):
            if WORD.match(token):
                if macro or depth > 0 or "=" in statement:
                    yield token, inside.get(number, "")
            elif macro:
                continue
            elif token == "{":
                depth += 1
            elif token == "}":
                depth -= 1
            statement = "" if token in ";}" and depth == 0 else statement + token


def unused(defined, used):
    """Those whose every mention is in themselves or in an unused one."""
    callers = {name: set() for name in defined}
    for name, caller in used:
        if name in callers and caller != name:
            callers[name].add(caller)
    dead = set()
    while True:
        found = {name for name, where in callers.items() if where <= dead}
        if found == dead:
            return dead
        dead = found


def main():
    defined = {}
    for path in source.files("src"):
        defined.update(visible_functions(path))
    with open(os.path.join(source.ROOT, "src", "exports.list"), encoding="utf-8") as file:
        exported = set(file.read().split())
    internal = {name: place for name, place in defined.items() if name not in exported}
    used = [mention for path in source.files("src", "cli", "python") for mention in mentions(path)]
    problems = sorted(f"{internal[name]}: {name} has no use outside of tests" for name in unused(internal, used))
    source.finish(problems, f"{len(internal)} functions")


if __name__ == "__main__":
    sys.exit(main())

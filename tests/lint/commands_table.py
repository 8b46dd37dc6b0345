#!/usr/bin/python3
"""docs/commands.md names only functions that are exported and tests that exist, and misses no command of the public header."""
import os
import re
import sys

import source

# Public functions that are no commands.
OTHER = re.compile(r"^emc_(address|client|cluster|item|items|key|library|meta_options|node_list|options|status)_|^emc_cancel$|_async$")


def test_names():
    names = set()
    for folder, _, files in os.walk(os.path.join(source.ROOT, "tests")):
        for file in files:
            if file.endswith(".c"):
                with open(os.path.join(folder, file), encoding="utf-8") as text:
                    names |= set(re.findall(r"unit_test\w*\((\w+)|[A-Z]+_TEST\((\w+)\)", text.read()))
    return {name for pair in names for name in pair if name}


def rows(text):
    for line in text.split("\n"):
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("|") and len(cells) == 3 and cells[0] not in ("command", "command and flag", "pattern") and not cells[0].startswith("---"):
            yield cells


def main():
    text = source.read("docs/commands.md")
    exports = set(source.read("src/exports.list").split())
    header = "".join(source.read(path) for path in source.files("include"))
    tests = test_names()
    problems, named, count = [], set(), 0
    for command, functions, test in rows(text):
        count += 1
        for name in re.findall(r"`(\w+)[\w.]*`", functions):
            named.add(name)
            if name.startswith("emc_") and name not in exports and not re.search(rf"\b{name};", header):
                problems.append(f"docs/commands.md: {name} ({command}) is not exported")
            if name.startswith("EMC_") and name not in header:
                problems.append(f"docs/commands.md: {name} ({command}) is not in the headers")
        for name in re.findall(r"`(\w+)`", test) or [""]:
            if name not in tests:
                problems.append(f"docs/commands.md: there is no test '{name}' ({command})")
    for name in sorted(exports):
        if not OTHER.search(name) and name not in named:
            problems.append(f"docs/commands.md: {name} is missing")
    source.finish(problems, f"{count} rows")


if __name__ == "__main__":
    sys.exit(main())

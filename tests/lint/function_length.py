#!/usr/bin/python3
"""Functions of src/ are short: median at most 15 lines, nine in ten at most 50, none above 70. Counted from the first line of the
signature to the closing brace, blank lines and comments inside included. A file has at most 600 lines."""
import sys

import source

MEDIAN, NINE_IN_TEN, LONGEST, FILE = 15, 50, 70, 600


def main():
    sources = source.files("src")
    found = sorted((last - first + 1, name, f"{path}:{first + 1}") for path in sources for name, _, first, last in source.functions(path))
    problems = [f"{where}: {name} has {length} lines, {LONGEST} are allowed" for length, name, where in found if length > LONGEST]
    lengths = [length for length, _, _ in found]
    if lengths:
        median, tenth = lengths[len(lengths) // 2], lengths[min(len(lengths) - 1, len(lengths) * 9 // 10)]
        print(f"{len(lengths)} functions: median {median} lines, nine in ten at most {tenth}, longest {lengths[-1]}")
        if median > MEDIAN:
            problems.append(f"the median function has {median} lines, {MEDIAN} are allowed")
        if tenth > NINE_IN_TEN:
            problems.append(f"one function in ten has {tenth} lines or more, {NINE_IN_TEN} are allowed")
    for path in sources:
        count = source.read(path).count("\n")
        if count > FILE:
            problems.append(f"{path} has {count} lines, {FILE} are allowed")
    source.finish(problems, f"{len(sources)} files")


if __name__ == "__main__":
    sys.exit(main())

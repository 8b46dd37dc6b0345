#!/usr/bin/python3
"""The shared library exports exactly what src/exports.list names: the ABI is a file.

    exports.py LIBRARY [--update]"""
import os
import re
import subprocess
import sys

import source

LIST = os.path.join(source.ROOT, "src", "exports.list")


def exported(library):
    output = subprocess.run(["nm", "-D", "--defined-only", library], check=True, capture_output=True, text=True).stdout
    return sorted({line.split()[-1].split("@")[0] for line in output.splitlines() if line.strip()})


def declared():
    """Every function that the public headers promise."""
    names = set()
    for path in source.files("include"):
        code = source.without_comments_and_strings(source.read(path))
        names |= set(re.findall(r"\bEMC_API\b[^;{}]*?\b(emc_\w+)\s*\(", code))
    return names


def main():
    symbols = exported(sys.argv[1])
    # The sanitizers' and the coverage's own symbols are not ours to list.
    symbols = [name for name in symbols if not re.match(r"__(asan|ubsan|sanitizer|gcov|llvm|odr_asan|start_|stop_)|_(init|fini)$|\.|mangle_path$", name)]
    if "--update" in sys.argv:
        with open(LIST, "w", encoding="utf-8") as file:
            file.write("".join(name + "\n" for name in symbols))
    with open(LIST, encoding="utf-8") as file:
        listed = file.read().split()
    problems = [f"{name} is exported, but not in src/exports.list" for name in symbols if name not in listed]
    problems += [f"{name} is in src/exports.list, but not exported" for name in listed if name not in symbols]
    problems += [f"{name} is declared in include/, but not exported" for name in sorted(declared() - set(symbols))]
    problems += [f"{name} is exported, but declared in no public header" for name in symbols if name not in declared()]
    problems += [f"{name} does not begin with emc_" for name in symbols if not re.match(r"emc_[a-z]", name)]
    source.finish(problems, f"{len(symbols)} symbols")


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/python3
"""Each header compiles alone: the public ones in C and C++, the internal ones in C.

    headers.py C_COMPILER [CXX_COMPILER] [-- FLAGS of the dependencies]"""
import concurrent.futures
import os
import subprocess
import sys

import source

WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"]


def compile_alone(compiler, language, standard, header, flags):
    program = f"#include <{header}>\n#include <{header}>\nextern int emc_lint_nothing; int emc_lint_nothing;\n"
    command = [*compiler.split(), f"-x{language}", f"-std={standard}", *WARNINGS, "-fsyntax-only", *flags, "-"]
    result = subprocess.run(command, input=program, capture_output=True, text=True, check=False)
    return [] if result.returncode == 0 else [f"{header} does not compile alone as {standard}:\n{result.stderr}"]


def main():
    arguments = sys.argv[1:]
    extra = []
    if "--" in arguments:
        extra = arguments[arguments.index("--") + 1:]
        arguments = arguments[:arguments.index("--")]
    include = "-I" + os.path.join(source.ROOT, "include")
    inside = ["-D_GNU_SOURCE", include, "-I" + os.path.join(source.ROOT, "src"), *extra]
    jobs = []
    for path in source.files("include", endings=(".h",)):
        header = os.path.relpath(path, "include")
        jobs.append((arguments[0], "c", "c17", header, [include]))
        jobs += [(compiler, "c++", standard, header, [include]) for compiler in arguments[1:2] for standard in ("c++11", "c++17")]
    for path in source.files("src", endings=(".h",)):
        jobs.append((arguments[0], "c", "gnu17", os.path.relpath(path, "src"), inside))
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        problems = [problem for found in pool.map(lambda job: compile_alone(*job), jobs) for problem in found]
    source.finish(problems, f"{len(jobs)} compilations")


if __name__ == "__main__":
    sys.exit(main())

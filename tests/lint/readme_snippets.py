#!/usr/bin/python3
"""The snippets of README.md and of the manual in docs/ are as good as they look: whole programs, in C and in Python, run; what is no whole C program
compiles inside a function, without a warning, and what is no whole Python program compiles.

    readme_snippets.py C_COMPILER LIBRARY [PYTHON PACKAGES]

PYTHON and PACKAGES: the interpreter for Python's programs and the folder that has the built package; without them these are only compiled.
Ports 11211, 11212 … of a snippet are replaced by those of memcached servers started here. A block directly after the comment
<!-- not compiled --> is left out."""
import ast
import contextlib
import ctypes
import glob
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time

import source

BLOCK = re.compile(r"(<!-- not compiled -->\s*\n)?^```(c|python)\n(.*?)^```", re.MULTILINE | re.DOTALL)
PORT = re.compile(r"\b1121\d\b")
WRAPPED = """#include <emcache.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
void snippet(emc_client *client);
void snippet(emc_client *client)
{{
    (void)client;
{body}
}}
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def start_server(stack):
    port = free_port()
    command = ["memcached", "-l", "127.0.0.1", "-p", str(port), "-U", "0", "-m", "64", "-t", "1"]
    if os.geteuid() == 0:
        command += ["-u", "root"]
    server = subprocess.Popen(command, preexec_fn=die_with_parent, stdin=subprocess.DEVNULL)
    stack.callback(server.wait)
    stack.callback(server.kill)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return port
        time.sleep(0.01)
    raise RuntimeError("memcached does not answer")


def run(command, what, **more):
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, **more)
    return [] if result.returncode == 0 else [f"{what}: {' '.join(command)}: {result.returncode}\n{result.stdout}{result.stderr}"]


def with_ports(text, ports):
    return PORT.sub(lambda m: str(ports[int(m.group(0)) % len(ports)]), text)


def check_c(what, text, compiler, library, ports, path):
    whole = re.search(r"\bmain\s*\(", text)
    with open(path, "w", encoding="utf-8") as file:
        file.write(with_ports(text, ports) if whole else WRAPPED.format(body=text))
    command = [*compiler.split(), "-std=c17", "-Wall", "-Wextra", "-Wno-unused-variable", "-Werror",
               "-I" + os.path.join(source.ROOT, "include"), path]
    if not whole:
        return run([*command, "-fsyntax-only"], what)
    program = path.removesuffix(".c")
    problems = run([*command, "-o", program, library, "-Wl,-rpath," + os.path.dirname(os.path.abspath(library))], what)
    return problems or run([program], what, stdin=subprocess.DEVNULL)


def check_python(what, text, python, ports):
    try:
        compile(text, what, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    except SyntaxError as error:
        return [f"{what}: {error}"]
    if not python or "asyncio.run(" not in text:
        return []
    executable, packages = python
    return run([executable, "-X", "dev", "-c", with_ports(text, ports)], what, stdin=subprocess.DEVNULL,
               env={**os.environ, "PYTHONPATH": packages})


def snippets():
    """(what it is, its language, its text) of each."""
    found = []
    for path in ["README.md", *sorted(glob.glob("docs/*.md", root_dir=source.ROOT))]:
        blocks = [(language, text) for skipped, language, text in BLOCK.findall(source.read(path)) if not skipped]
        found += [(f"{path}, snippet {number}", language, text) for number, (language, text) in enumerate(blocks, 1)]
    return found


def main():
    compiler, library, *python = sys.argv[1:]
    problems = []
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        ports = [start_server(stack) for _ in range(3)]
        for number, (what, language, text) in enumerate(snippets()):
            if language == "c":
                problems += check_c(what, text, compiler, library, ports, os.path.join(folder, f"snippet{number}.c"))
            else:
                problems += check_python(what, text, python, ports)
    source.finish(problems, f"{len(snippets())} snippets")


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/python3
"""The C programs of README.md compile without a warning and run; what is no whole program compiles inside a function.

    readme_snippets.py C_COMPILER LIBRARY [FLAGS...]

Ports 11211, 11212 … of a snippet are replaced by those of memcached servers started here. `c` blocks alone are looked at; a
block directly after the comment <!-- not compiled --> is left out."""
import contextlib
import ctypes
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time

import source

BLOCK = re.compile(r"(<!-- not compiled -->\s*\n)?^```c\n(.*?)^```", re.MULTILINE | re.DOTALL)
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


def check(number, text, arguments, ports, folder):
    compiler, library, *flags = arguments
    what = f"README.md, C snippet {number}"
    whole = re.search(r"\bmain\s*\(", text)
    path = os.path.join(folder, f"snippet{number}.c")
    with open(path, "w", encoding="utf-8") as file:
        file.write(PORT.sub(lambda m: str(ports[int(m.group(0)) % len(ports)]), text) if whole else WRAPPED.format(body=text))
    command = [*compiler.split(), "-std=c17", "-Wall", "-Wextra", "-Wno-unused-variable", "-Werror",
               "-I" + os.path.join(source.ROOT, "include"), *flags, path]
    if not whole:
        return run([*command, "-fsyntax-only"], what)
    program = os.path.join(folder, f"snippet{number}")
    problems = run([*command, "-o", program, library, "-Wl,-rpath," + os.path.dirname(os.path.abspath(library))], what)
    return problems or run([program], what, stdin=subprocess.DEVNULL)


def main():
    readme = os.path.join(source.ROOT, "README.md")
    if not os.path.exists(readme):
        print("there is no README.md")
        return 77
    blocks = [text for skipped, text in BLOCK.findall(source.read("README.md")) if not skipped]
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        ports = [start_server(stack) for _ in range(3)] if any("main" in text for text in blocks) else [0]
        problems = [p for number, text in enumerate(blocks, 1) for p in check(number, text, sys.argv[1:], ports, folder)]
    source.finish(problems, f"{len(blocks)} C snippets")


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/python3
"""Runs one example on three real servers: it ends well, and says something.

    run_example.py PROGRAM"""
import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys
import time


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def start_server(stack):
    port = free_port()
    command = ["memcached", "-l", "127.0.0.1", "-p", str(port), "-U", "0", "-t", "1"]
    if os.geteuid() == 0:
        command += ["-u", "root"]
    server = subprocess.Popen(command, preexec_fn=die_with_parent, stdin=subprocess.DEVNULL)
    stack.callback(server.wait)
    stack.callback(server.kill)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return port
        time.sleep(0.01)
    raise RuntimeError("memcached does not accept")


def main():
    with contextlib.ExitStack() as stack:
        nodes = [f"127.0.0.1:{start_server(stack)}" for _ in range(3)]
        result = subprocess.run([sys.argv[1], *nodes], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
    print(result.stdout + result.stderr, end="")
    return 0 if result.returncode == 0 and result.stdout.strip() else 1


if __name__ == "__main__":
    sys.exit(main())

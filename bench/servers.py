"""memcached servers for the benchmarks: started on free ports, pinned to a core, filled, and ended whatever happens."""
import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import time


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def connect(host, port, patience_s=10):
    deadline = time.monotonic() + patience_s
    while True:
        try:
            return socket.create_connection((host, port), 10)
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def start(stack, core, *more, hosts=("127.0.0.1",)):
    """One server with one thread on one core, ended when the stack is. Returns its port."""
    port = free_port()
    command = ["memcached", "-l", ",".join(hosts), "-p", str(port), "-U", "0", "-t", "1", "-m", "256", "-c", "4096", *more]
    if os.geteuid() == 0:
        command += ["-u", "root"]
    server = subprocess.Popen(["taskset", "-c", str(core), *command], preexec_fn=_die_with_parent, stdin=subprocess.DEVNULL)
    stack.callback(server.wait)
    stack.callback(server.kill)
    for host in hosts[:1] + hosts[-1:]:
        connect(host, port).close()
    return port


def fill(port, keys, value_length, host="127.0.0.1"):
    """Stores every key of the benchmarks (measure.c: bench_key, bench_value), so that every get is a hit wherever it is routed."""
    value = bytes(ord("a") + i % 26 for i in range(value_length))
    with contextlib.closing(connect(host, port)) as stream:
        for first in range(0, keys, 1000):
            lines = [b"set key:%08d 0 0 %d noreply\r\n%s\r\n" % (number, value_length, value) for number in range(first, min(keys, first + 1000))]
            stream.sendall(b"".join(lines) + b"mn\r\n")
            answer = b""
            while not answer.endswith(b"MN\r\n"):
                part = stream.recv(4096)
                if not part:
                    raise RuntimeError("memcached closed the connection")
                answer += part

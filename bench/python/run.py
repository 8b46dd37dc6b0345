#!/usr/bin/python3
"""Measures the Python package, its peers and the limit of the wire in one run, interleaved and pinned; writes a page and a plot.

    bench/python/run.py --limits build/bench [--ours build/python] [--python python3] [--rounds 5] [--seconds 0.4] [--quick] [--only WORDS]

The peers come from PyPI into a virtual environment of their own. The server runs on one core, the clients on another. A round runs every program
once, in an order that turns round by round, and each ratio is taken within a round."""
import argparse
import contextlib
import json
import os
import platform
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]

import chart  # noqa: E402
import matrix  # noqa: E402
import report  # noqa: E402
import servers  # noqa: E402

PACKAGES = ["emcache==1.3.3", "aiomcache", "pymemcache", "pylibmc", "uvloop"]
VALUE = 100
# How the bare C program does the same: its name, and how many keys stand for one call.
WIRE = {"get": ("limit_get_multi", 1), "set": ("limit_set_quiet", 1), "get_many": ("limit_get_multi", 100)}


def home_of(python):
    """What tells interpreters apart: a virtual environment has that of the one it was made by."""
    program = "import sys; print(sys.version, sys.base_prefix)"
    return subprocess.run([python, "-c", program], capture_output=True, text=True, check=False).stdout


def environment(arguments):
    """The interpreter of the virtual environment, made when it is not there; and what could not be installed."""
    python = os.path.join(arguments.environment, "bin", "python")
    if not os.path.exists(python) or home_of(python) != home_of(arguments.python):
        subprocess.run([arguments.python, "-m", "venv", "--clear", arguments.environment], check=True)
    missing = []
    for package in PACKAGES:
        name = package.split("==")[0]
        if subprocess.run([python, "-c", f"import {name}"], capture_output=True, check=False).returncode == 0:
            continue
        print(f"installing {package}", file=sys.stderr)
        if subprocess.run([python, "-m", "pip", "install", "-q", "--disable-pip-version-check", package], check=False, stdout=sys.stderr).returncode != 0:
            missing.append(f"{name} could not be installed from PyPI")
    return python, missing


class Bench:
    def __init__(self, arguments, python, cores, ports):
        self.arguments, self.python, self.cores, self.ports = arguments, python, cores, ports

    def command(self, run):
        port = self.ports[run.server]
        if run.client == matrix.LIMIT:
            name, keys = WIRE[run.operation]
            return [os.path.join(self.arguments.limits, "bench", "limit", name), "--ports", str(port), "--in-flight", str(run.tasks * keys),
                    "--value", str(VALUE), "--seconds", str(self.arguments.seconds), "--keys", "10000"]
        return [self.python, os.path.join(HERE, "worker.py"), "--client", run.client, "--loop", run.loop, "--tasks", str(run.tasks),
                "--operation", run.operation, "--port", str(port), "--seconds", str(self.arguments.seconds)]

    def run(self, run, attempts=2):
        """The figures of one program. One that fails is tried once more: on a busy machine connections may be late."""
        try:
            return self.run_once(run)
        except (RuntimeError, subprocess.TimeoutExpired) as fault:
            if attempts == 1:
                raise
            print(f"tried again: {str(fault).splitlines()[-1]}", file=sys.stderr)
            return self.run(run, attempts - 1)

    def run_once(self, run):
        surroundings = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        if run.client in matrix.OURS:
            surroundings["PYTHONPATH"] = os.path.abspath(self.arguments.ours)
        command = ["taskset", "-c", str(self.cores[1]), *self.command(run)]
        result = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, env=surroundings, timeout=120)
        if result.returncode != 0:
            raise RuntimeError(f"{run}: {result.stderr.strip()[-800:]}")
        figures = json.loads(result.stdout)
        if run.client == matrix.LIMIT:
            keys = WIRE[run.operation][1]
            figures = {"per_second": figures["per_second"] / keys, "user_ns": figures["user_ns"] * keys, "system_ns": figures["system_ns"] * keys}
        return figures


def usable(bench, runs, missing):
    """Leaves out what does not run at all: a peer that is not installed, a program that is not built."""
    fine, tried = [], {}
    for run in runs:
        kind = (run.client, run.loop)
        if kind not in tried:
            try:
                bench.run(run)
                tried[kind] = True
            except (RuntimeError, OSError, subprocess.TimeoutExpired) as fault:
                tried[kind] = False
                missing.append(f"{report.words(run.client)} on {run.loop} does not run: {str(fault).splitlines()[-1][:200]}")
        if tried[kind]:
            fine.append(run)
    return fine


def measure(bench, runs, arguments):
    figures, begin = {run: [] for run in runs}, time.monotonic()
    for number in range(arguments.rounds):
        for run in runs if number % 2 == 0 else reversed(runs):
            figures[run].append(bench.run(run))
        spent = time.monotonic() - begin
        print(f"round {number + 1} of {arguments.rounds}, {spent:.0f} s", file=sys.stderr)
        if spent + spent / (number + 1) > arguments.minutes * 60:
            break
    return figures


def has_ours(arguments, python):
    program = "import emcache, sys; sys.exit(hasattr(emcache, '_cython'))"
    surroundings = dict(os.environ, PYTHONPATH=os.path.abspath(arguments.ours))
    return subprocess.run([python, "-c", program], capture_output=True, check=False, env=surroundings).returncode == 0


def first_line(*command):
    with contextlib.suppress(OSError, subprocess.CalledProcessError):
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[0]
    return "?"


def surroundings_words(arguments, python, rounds):
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        model = next((line.split(":")[1].strip() for line in file if line.startswith("model name")), platform.machine())
    names = [package.split("==")[0] for package in PACKAGES]
    versions = first_line(python, "-c", f"import importlib.metadata as m; print(', '.join(n + ' ' + m.version(n) for n in {names!r}))")
    return (f"{time.strftime('%Y-%m-%d')}; {model}, {os.cpu_count()} cores; Linux {platform.release().split('-')[0]}; {first_line('memcached', '--version')}; "
            f"{first_line(python, '--version')}; {versions}; values of {VALUE} bytes; {rounds} rounds of {arguments.seconds:g} s for each program.\n"
            "The server has one thread on one core, the client another core. Clients that block are measured with a thread in place of a task. "
            "The bare C program writes prebuilt multi-gets (or quiet sets) of as many keys as there are tasks. Ratios are taken within a round. "
            "get_many with 32 tasks is measured at a second server, too, without the LRU maintainer: that thread of memcached shares the server's one core.")


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--limits", default="build/bench", help="the build folder of the bare C programs")
    parser.add_argument("--ours", default="build/python", help="the folder our package is imported from")
    parser.add_argument("--python", default="python3", help="the interpreter our package is built for")
    parser.add_argument("--environment", default="build/bench-python", help="the virtual environment for the peers")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.4)
    parser.add_argument("--minutes", type=float, default=7.5, help="no round begins that would end later")
    parser.add_argument("--quick", action="store_true", help="one round of 0.1 s: shows that everything runs, measures nothing")
    parser.add_argument("--only", default="", help="the programs with these words: 'get 32', 'ours uvloop'")
    parser.add_argument("--results", help="a folder for the page and the plot; bench/results when everything is measured, else nothing is written")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.rounds, arguments.seconds = 1, 0.1
    if arguments.results is None and not arguments.quick and not arguments.only:
        arguments.results = os.path.join(os.path.dirname(HERE), "results")
    return arguments


def write(arguments, page, figures):
    if arguments.results is None:
        return
    os.makedirs(arguments.results, exist_ok=True)
    for name, text in (("python.md", page), ("python.svg", chart.svg(figures))):
        with open(os.path.join(arguments.results, name), "w", encoding="utf-8") as file:
            file.write(text)


def main():
    arguments = parse()
    python, missing = environment(arguments)
    allowed = sorted(os.sched_getaffinity(0))
    cores = (allowed[1 % len(allowed)], allowed[0])
    ours = has_ours(arguments, python)
    if not ours:
        missing.append(f"our package, it is not in {arguments.ours}")
    with contextlib.ExitStack() as stack:
        ports = {server: servers.start(stack, cores[0], *more) for server, more in matrix.SERVERS.items()}
        for port in ports.values():
            servers.fill(port, 10_000, VALUE)
        bench = Bench(arguments, python, cores, ports)
        runs = usable(bench, matrix.runs(ours, arguments.only), missing)
        if not runs:
            print("nothing to measure: " + "; ".join(missing), file=sys.stderr)
            return 1
        figures = measure(bench, runs, arguments)
    page = report.page(figures, surroundings_words(arguments, python, len(next(iter(figures.values())))), missing)
    write(arguments, page, figures)
    print(page)
    return 0


if __name__ == "__main__":
    sys.exit(main())

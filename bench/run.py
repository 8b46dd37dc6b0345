#!/usr/bin/python3
"""Measures emcache, its peer and the limit of the wire in one run, interleaved and pinned, and writes a table and a plot.

    bench/run.py --build build/bench [--rounds 9] [--seconds 0.4] [--quick] [--only WORDS] [--results bench/results]

Servers run on one core, the programs on another (also on the same one, where a row says so). A round runs every program once, a case's programs one
after the other; each ratio is taken within a round, and the table has the median of the rounds and their lowest and highest."""
import argparse
import contextlib
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time

import plot
import servers

HERE = os.path.dirname(os.path.abspath(__file__))
VALUE = 100


class Program:
    """One program with its arguments: what is run once in a round."""

    def __init__(self, name, mode="", in_flight=1, nodes=1, same_core=False):
        self.name, self.mode, self.in_flight, self.nodes, self.same_core = name, mode, in_flight, nodes, same_core

    def key(self):
        return (self.name, self.mode, self.in_flight, self.nodes, self.same_core)

    def words(self):
        if self.name == "bench_ours":
            return "emcache " + self.mode.replace("_", ", ")
        if self.name == "bench_threads":
            return f"emcache get, threads, {'one client' if self.mode == 'shared' else 'a client each'}"
        if self.name == "bench_peer_libmemcached":
            return "libmemcached " + self.mode.replace("_", ", ")
        return "limit: " + self.name.removeprefix("limit_").replace("_", ", ") + (", " + self.mode if self.mode else "")


def ours(mode, in_flight=1, **more):
    return Program("bench_ours", mode, in_flight, **more)


def threads(mode, count):
    return Program("bench_threads", mode, count)


def limit(name, in_flight=1, mode="", **more):
    return Program("limit_" + name, mode, in_flight, **more)


def peer(mode, in_flight=1, **more):
    return Program("bench_peer_libmemcached", mode, in_flight, **more)


# (what, ours, what it is compared with, the ratio to reach or None). Programs that appear in several rows run once a round.
ROWS = [
    ("blocking get / bare send and recv", ours("get"), limit("get_pipelined"), 0.95),
    ("the same, client and server on one core", ours("get", same_core=True), limit("get_pipelined", same_core=True), 0.93),
    ("blocking get / libmemcached get", ours("get"), peer("get"), 1.0),
    ("blocking get / libmemcached get without NO_BLOCK", ours("get"), peer("plain_get"), None),
    ("blocking get / libmemcached get, binary protocol", ours("get"), peer("binary_get"), None),
    ("blocking set / bare send and recv", ours("set"), limit("set_pipelined"), None),
    ("blocking set / libmemcached set", ours("set"), peer("set"), None),
    ("blocking get, busy polling 50 µs / bare send and recv", ours("get_busy"), limit("get_pipelined"), None),
    ("blocking get, busy polling 50 µs / bare send and busy recv", ours("get_busy"), limit("get_pipelined", mode="busy"), None),
    ("blocking get, busy polling 50 µs / bare send and recv, one core", ours("get_busy", same_core=True), limit("get_pipelined", same_core=True), None),
    ("blocking set, busy polling 50 µs / bare send and recv", ours("set_busy"), limit("set_pipelined"), None),
    ("32 gets in flight / multi-get of 32", ours("get_batch", 32), limit("get_multi", 32), 0.9),
    ("32 gets kept in flight / multi-get of 32", ours("get_window", 32), limit("get_multi", 32), 0.9),
    ("100 gets in flight / multi-get of 100", ours("get_batch", 100), limit("get_multi", 100), None),
    ("1000 gets in flight / multi-get of 1000", ours("get_batch", 1000), limit("get_multi", 1000), 0.85),
    ("1000 gets kept in flight / multi-get of 1000", ours("get_window", 1000), limit("get_multi", 1000), 0.85),
    ("1000 gets in flight / libmemcached mget of 1000", ours("get_batch", 1000), peer("mget", 1000), 1.0),
    ("1000 gets in flight / libmemcached mget of 1000, binary", ours("get_batch", 1000), peer("binary_mget", 1000), None),
    ("get_many of 1000 / libmemcached mget of 1000", ours("get_many", 1000), peer("mget", 1000), None),
    ("get_many of 1000 / multi-get of 1000", ours("get_many", 1000), limit("get_multi", 1000), None),
    ("multi-get of 1000 / quiet meta gets of 1000", limit("get_multi", 1000), limit("get_quiet", 1000), None),
    ("1000 sets in flight / quiet sets of 1000", ours("set_batch", 1000), limit("set_quiet", 1000), 0.85),
    ("1000 sets kept in flight / quiet sets of 1000", ours("set_window", 1000), limit("set_quiet", 1000), 0.85),
    ("1000 sets in flight / pipelined sets of 1000", ours("set_batch", 1000), limit("set_pipelined", 1000), None),
    ("1000 sets in flight / libmemcached buffered sets", ours("set_batch", 1000), peer("set_buffered", 1000), None),
    ("100 mixed 90/10 in flight / multi-get of 100", ours("mixed_batch", 100), limit("get_multi", 100), 0.8),
    ("100 mixed 90/10 kept in flight / multi-get of 100", ours("mixed_window", 100), limit("get_multi", 100), 0.8),
    ("1000 gets in flight on 4 nodes / limit on them", ours("get_batch", 1000, nodes=4), limit("get_multi", 1000, nodes=4), 0.85),
    ("1000 gets in flight on 16 nodes / limit on them", ours("get_batch", 1000, nodes=16), limit("get_multi", 1000, nodes=16), 0.85),
    ("1000 gets in flight on 4 nodes / libmemcached mget", ours("get_batch", 1000, nodes=4), peer("mget", 1000, nodes=4), None),
    ("1000 gets in flight on 16 nodes / libmemcached mget", ours("get_batch", 1000, nodes=16), peer("mget", 1000, nodes=16), None),
    ("1000 gets kept in flight on 4 nodes / limit on them", ours("get_window", 1000, nodes=4), limit("get_multi", 1000, nodes=4), 0.85),
    ("1000 gets kept in flight on 16 nodes / limit on them", ours("get_window", 1000, nodes=16), limit("get_multi", 1000, nodes=16), 0.85),
    ("1000 sets in flight on 4 nodes / limit on them", ours("set_batch", 1000, nodes=4), limit("set_quiet", 1000, nodes=4), None),
    ("1000 sets in flight on 16 nodes / limit on them", ours("set_batch", 1000, nodes=16), limit("set_quiet", 1000, nodes=16), None),
]
ROWS += [(f"blocking gets of {count} threads, one client for all / a client each", threads("shared", count), threads("own", count), None) for count in (1, 8, 64)]
CPU_ROW = ours("get_batch", 1000).key()
CPU_MARK_NS = 250


class Bench:
    def __init__(self, arguments, cores, ports):
        self.arguments, self.cores, self.ports = arguments, cores, ports

    def command(self, program, core):
        found = [os.path.join(self.arguments.build, "bench", *path) for path in ((program,), ("limit", program))]
        return ["taskset", "-c", str(core), next((path for path in found if os.path.exists(path)), found[0])]

    def has(self, program):
        return os.path.exists(self.command(program.name, 0)[-1])

    def run(self, program):
        core = self.cores[0] if program.same_core else self.cores[1]
        ports = ",".join(str(port) for port in self.ports[:program.nodes])
        command = [*self.command(program.name, core), "--ports", ports, "--in-flight", str(program.in_flight), "--value", str(VALUE),
                   "--seconds", str(self.arguments.seconds)]
        command += ["--mode", program.mode] if program.mode else []
        result = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
        if result.returncode != 0:
            raise RuntimeError(f"{' '.join(command)}: {result.returncode}: {result.stderr.strip()}")
        return json.loads(result.stdout)


def measure(bench, rows, rounds):
    """{program's key: [figures of each round]}"""
    programs = {}
    for _, mine, other, _ in rows:
        for program in (mine, other):
            programs.setdefault(program.key(), program)
    figures = {key: [] for key in programs}
    order = list(programs.values())
    for number in range(rounds):
        for program in order if number % 2 == 0 else reversed(order):
            figures[program.key()].append(bench.run(program))
        print(f"round {number + 1} of {rounds}", file=sys.stderr)
    return figures


def ratios(figures, mine, other):
    return [a["per_second"] / b["per_second"] for a, b in zip(figures[mine.key()], figures[other.key()])]


def median_rate(figures, program):
    return statistics.median(run["per_second"] for run in figures[program.key()])


def table(rows, figures):
    lines = ["| what | emcache, ops/s | the other, ops/s | ratio | lowest .. highest | to reach | |", "|---|---:|---:|---:|---|---:|---|"]
    bars = []
    for what, mine, other, mark in rows:
        values = ratios(figures, mine, other)
        middle = statistics.median(values)
        verdict = "" if mark is None else "reached" if middle >= mark else "**below**"
        lines.append(f"| {what} | {median_rate(figures, mine):,.0f} | {median_rate(figures, other):,.0f} | {middle:.2f} | "
                     f"{min(values):.2f} .. {max(values):.2f} | {'' if mark is None else mark} | {verdict} |")
        bars.append((what, middle, min(values), max(values), mark))
    return lines, bars


def cpu_lines(figures):
    lines = ["| program | in flight | nodes | user ns/op | kernel ns/op |", "|---|---:|---:|---:|---:|"]
    for key, runs in figures.items():
        program = Program(*key)
        user = statistics.mean(run["user_ns"] for run in runs)
        system = statistics.mean(run["system_ns"] for run in runs)
        note = f" (to reach: {CPU_MARK_NS})" if key == CPU_ROW else ""
        lines.append(f"| {program.words()}{', one core' if program.same_core else ''} | {program.in_flight} | {program.nodes} | {user:,.0f}{note} | {system:,.0f} |")
    return lines


# ------------------------------------------------------------------ memory, instructions


def certificate(stack):
    """A certificate of its own authority for 127.0.0.1, made by the openssl command: (certificate, key)."""
    folder = stack.enter_context(tempfile.TemporaryDirectory())
    paths = os.path.join(folder, "server.pem"), os.path.join(folder, "server.key")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=bench",
                    "-addext", "subjectAltName=IP:127.0.0.1", "-out", paths[0], "-keyout", paths[1]], check=True, capture_output=True)
    return paths


def memory_lines(bench, stack, operations):
    def run(ports, *more):
        command = [*bench.command("bench_memory", bench.cores[1]), "--ports", ",".join(str(port) for port in ports), "--operations", str(operations), *more]
        return json.loads(subprocess.run(command, capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL).stdout)

    plain = run(bench.ports[:3])
    lines = ["| memory | bytes | to stay below |", "|---|---:|---:|",
             f"| idle client on three nodes, the client's allocator | {plain['idle_bytes']:,} | |",
             f"| idle client on three nodes, whole heap (libuv's and c-ares' included) | {plain['idle_heap_bytes']:,} | 262,144 |",
             f"| each get in flight, beyond its key | {plain['get_in_flight_bytes']:,.0f} | 256 |",
             f"| each set in flight, beyond its key and value | {plain['set_in_flight_bytes']:,.0f} | 256 |",
             f"| allocations for each operation, steady state | {plain['allocations_per_operation']:.5f} | 0 |",
             f"| growth over {plain['operations']:,} operations | {plain['grown_bytes']:,} | 0 |",
             f"| left after the client's end | {plain['left_bytes']:,} | 0 |"]
    with contextlib.suppress(FileNotFoundError, subprocess.CalledProcessError):
        pem, key = certificate(stack)
        ports = [servers.start(stack, bench.cores[0], "-Z", "-o", f"ssl_chain_cert={pem},ssl_key={key}") for _ in range(3)]
        secured = run(ports, "--mode", pem)
        lines.append(f"| idle client on three nodes with TLS, whole heap | {secured['idle_heap_bytes']:,} | |")
    return lines


def instruction_lines(arguments):
    script = os.path.join(HERE, "instructions.sh")
    result = subprocess.run([script, arguments.build], stdout=subprocess.PIPE, text=True, check=False, stdin=subprocess.DEVNULL)
    return result.stdout.splitlines() if result.returncode == 0 else ["Instructions were not counted: valgrind is missing or failed."]


def surroundings(arguments):
    def first_line(*command):
        with contextlib.suppress(OSError, subprocess.CalledProcessError):
            return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[0]
        return "?"
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        model = next((line.split(":")[1].strip() for line in file if line.startswith("model name")), platform.machine())
    return (f"{time.strftime('%Y-%m-%d')}; {model}, {os.cpu_count()} cores; Linux {platform.release().split('-')[0]}; {first_line('memcached', '--version')}; "
            f"{first_line('cc', '--version')}; values of {VALUE} bytes; {arguments.rounds} rounds of {arguments.seconds} s for each program.")


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default="build/bench")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=0.4)
    parser.add_argument("--quick", action="store_true", help="three rounds, no instructions")
    parser.add_argument("--only", default="", help="rows that contain these words")
    parser.add_argument("--operations", type=int, default=10_000_000, help="for the growth of memory")
    parser.add_argument("--results", default=os.path.join(HERE, "results"))
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.rounds, arguments.operations = min(arguments.rounds, 3), min(arguments.operations, 1_000_000)
    return arguments


def main():
    arguments = parse()
    allowed = sorted(os.sched_getaffinity(0))
    cores = (allowed[0], allowed[1 % len(allowed)])
    with contextlib.ExitStack() as stack:
        ports = [servers.start(stack, cores[0]) for _ in range(16)]
        for port in ports:
            servers.fill(port, 100_000 if port == ports[0] else 50_000, VALUE)
        bench = Bench(arguments, cores, ports)
        rows = [row for row in ROWS if arguments.only in row[0] and bench.has(row[1]) and bench.has(row[2])]
        left_out = [row[0] for row in ROWS if arguments.only in row[0] and row not in rows]
        figures = measure(bench, rows, arguments.rounds)
        ratio_lines, bars = table(rows, figures)
        lines = ["# Benchmark", "", surroundings(arguments),
                 "The server has one thread on one core, the client another core. \"In flight\" submits so many and awaits them all, as the limit programs do; "
                 "\"kept in flight\" submits the next at each completion.", "", *ratio_lines, ""]
        lines += [f"Left out, its program is missing: {what}" for what in left_out]
        lines += ["", "## CPU", "", *cpu_lines(figures), ""]
        if not arguments.only:
            lines += ["## Memory", "", *memory_lines(bench, stack, arguments.operations), ""]
    if not arguments.only and not arguments.quick:
        lines += ["## Instructions", "", *instruction_lines(arguments), ""]
    os.makedirs(arguments.results, exist_ok=True)
    with open(os.path.join(arguments.results, "table.md"), "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    with open(os.path.join(arguments.results, "plot.svg"), "w", encoding="utf-8") as file:
        file.write(plot.svg("emcache against the limit of the wire and its peer", bars))
    print("\n".join(lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())

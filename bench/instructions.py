#!/usr/bin/python3
"""Instructions for each operation, as callgrind counts them in the client: a figure that a noisy machine does not change.

    bench/instructions.py BUILD                 prints a table in Markdown
    bench/instructions.py BUILD --keep FILE     writes it, too
    bench/instructions.py BUILD --check FILE    fails when an operation takes over 10 % more than the table in FILE has
                          --only WORDS          the rows that contain these words
                          --quick               the rows that --check needs to notice a slower engine

Each figure is the difference of two runs that differ in their number of operations, divided by that difference: start and end cancel out.
One server listens on 256 addresses of the loopback network, so that a client can have 256 nodes."""
import argparse
import contextlib
import os
import re
import subprocess
import sys

import servers

HOSTS = tuple(f"127.0.{i // 250}.{i % 250 + 1}" for i in range(256))
GROWTH_MAX = 0.10
QUICK = ("blocking get", "32 gets in flight", "1,000 gets in flight", "1,000 sets in flight", "1,000 mixed in flight", "get_many of 1,000")
TITLE = """# Instructions for each operation

User space of the client's process, its libraries included, on x86-64 with gcc 12 at -O3: values of 100 bytes, keys of 12, every get a hit. Written by
`bench/instructions.py BUILD --keep FILE`; `.ci/run instructions` fails when one of them grows by over 10 %.
"""
# (what, mode, in flight, nodes, routing, operations of the two runs)
ROWS = [
    ("blocking get", "get", 1, 1, "", 2_000, 6_000),
    ("blocking set", "set", 1, 1, "", 2_000, 6_000),
    ("32 gets in flight", "get_batch", 32, 1, "", 3_200, 16_000),
    ("1,000 gets in flight", "get_batch", 1_000, 1, "", 10_000, 40_000),
    ("10,000 gets in flight", "get_batch", 10_000, 1, "", 20_000, 60_000),
    ("100,000 gets in flight", "get_batch", 100_000, 1, "", 100_000, 200_000),
    ("1,000 sets in flight", "set_batch", 1_000, 1, "", 10_000, 40_000),
    ("100,000 sets in flight", "set_batch", 100_000, 1, "", 100_000, 200_000),
    ("1,000 mixed in flight", "mixed_batch", 1_000, 1, "", 10_000, 40_000),
    ("get_many of 1,000", "get_many", 1_000, 1, "", 10_000, 40_000),
    ("get_many of 1,000, 16 nodes, ketama", "get_many", 1_000, 16, "ketama", 10_000, 40_000),
    ("get_many of 1,000, 256 nodes, ketama", "get_many", 1_000, 256, "ketama", 10_000, 40_000),
    ("1,000 gets in flight, 1 node, ketama", "get_batch", 1_000, 1, "ketama", 10_000, 40_000),
    ("1,000 gets in flight, 16 nodes, ketama", "get_batch", 1_000, 16, "ketama", 10_000, 40_000),
    ("1,000 gets in flight, 256 nodes, ketama", "get_batch", 1_000, 256, "ketama", 10_000, 40_000),
    ("100,000 gets in flight, 256 nodes, ketama", "get_batch", 100_000, 256, "ketama", 100_000, 200_000),
    ("1,000 gets in flight, 1 node, jump", "get_batch", 1_000, 1, "jump", 10_000, 40_000),
    ("1,000 gets in flight, 256 nodes, jump", "get_batch", 1_000, 256, "jump", 10_000, 40_000),
    ("100,000 gets in flight, 256 nodes, jump", "get_batch", 100_000, 256, "jump", 100_000, 200_000),
]


def collected(program, port, row, operations):
    _, mode, in_flight, nodes, routing, _, _ = row
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", program, "--mode", mode, "--in-flight", str(in_flight),
               "--operations", str(operations), "--ports", ",".join(f"{host}:{port}" for host in HOSTS[:nodes])]
    command += ["--routing", routing] if routing else []
    result = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if result.returncode != 0:
        words = [line for line in result.stderr.splitlines() if not line.startswith("==")]
        raise RuntimeError(words[-1] if words else f"exit code {result.returncode}")
    return int(re.search(r"Collected : (\d+)", result.stderr).group(1))


def counted(program, port, row):
    few, many = (collected(program, port, row, operations) for operations in row[5:7])
    return (many - few) / (row[6] - row[5])


def kept_figures(path):
    """{row: figure} of a table that was written before."""
    figures = {}
    with open(path, encoding="utf-8") as file:
        for line in file:
            found = re.match(r"\| (.+?) \| ([\d,]+) \|", line)
            if found:
                figures[found.group(1)] = float(found.group(2).replace(",", ""))
    return figures


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build")
    parser.add_argument("--only", default="")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--keep", metavar="FILE")
    parser.add_argument("--check", metavar="FILE")
    return parser.parse_args()


def measure(given, rows, kept):
    """The table's lines, and how many rows are worse than what was kept."""
    program = os.path.join(given.build, "bench", "bench_ours")
    lines, worse = [], 0
    with contextlib.ExitStack() as stack:
        port = servers.start(stack, sorted(os.sched_getaffinity(0))[0], hosts=HOSTS)
        servers.fill(port, 100_000, 100)
        for row in rows:
            try:
                figure = counted(program, port, row)
            except RuntimeError as error:
                print(f"{row[0]}: {error}", file=sys.stderr)
                lines.append(f"| {row[0]} | failed |")
                worse += 1
                continue
            lines.append(f"| {row[0]} | {figure:,.0f} |")
            grown = figure / kept[row[0]] - 1 if row[0] in kept else 0.0
            print(lines[-1] + (f" {grown:+.1%} |" if row[0] in kept else ""), flush=True)
            worse += grown > GROWTH_MAX
    return lines, worse


def main():
    given = arguments()
    kept = kept_figures(given.check) if given.check else {}
    rows = [row for row in ROWS if given.only in row[0] and (row[0] in QUICK or not given.quick)]
    head = ["| client's instructions for each operation | |", "|---|---:|"]
    print("\n".join(head))
    lines, worse = measure(given, rows, kept)
    if given.keep:
        with open(given.keep, "w", encoding="utf-8") as file:
            file.write("\n".join([TITLE, *head, *lines]) + "\n")
    if worse > 0 and given.check:
        print(f"{worse} of {len(rows)} rows failed or grew by over {GROWTH_MAX:.0%} against {given.check}.\n"
              "When there is a reason: write the table anew with --keep, and the reason into docs/performance.md.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/python3
"""Instructions for each operation, as callgrind counts them in the client: see instructions.sh.

Each figure is the difference of two runs that differ in their number of operations, divided by that difference: start and end cancel out.
One server listens on 256 addresses of the loopback network, so that a client can have 256 nodes."""
import contextlib
import os
import re
import subprocess
import sys

import servers

HOSTS = tuple(f"127.0.{i // 250}.{i % 250 + 1}" for i in range(256))
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
        raise RuntimeError(result.stderr[-2000:])
    return int(re.search(r"Collected : (\d+)", result.stderr).group(1))


def main():
    program = os.path.join(sys.argv[1], "bench", "bench_ours")
    only = sys.argv[2] if len(sys.argv) > 2 else ""
    print("| client's instructions for each operation | |")
    print("|---|---:|")
    with contextlib.ExitStack() as stack:
        port = servers.start(stack, sorted(os.sched_getaffinity(0))[0], hosts=HOSTS)
        servers.fill(port, 100_000, 100)
        for row in ROWS:
            if only in row[0]:
                try:
                    few, many = (collected(program, port, row, operations) for operations in row[5:7])
                    print(f"| {row[0]} | {(many - few) / (row[6] - row[5]):,.0f} |", flush=True)
                except RuntimeError as error:
                    print(f"{row[0]}: {error}", file=sys.stderr)
                    print(f"| {row[0]} | failed |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

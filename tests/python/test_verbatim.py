"""Three programs as users have them, run as they stand against servers on localhost:11211 and 11212, in a network of their own (verbatim.py)."""
import os
import subprocess
import sys

import pytest

import emcache

HERE = os.path.dirname(os.path.abspath(__file__))
FIRST = emcache.MemcachedHostAddress("localhost", 11211)
SECOND = emcache.MemcachedHostAddress("localhost", 11212)


def output_of(program):
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join([os.path.dirname(os.path.dirname(emcache.__file__)), HERE]))
    result = subprocess.run([sys.executable, "-W", "error::ResourceWarning", os.path.join(HERE, "verbatim.py"), os.path.join(HERE, "programs", program)],
                            capture_output=True, text=True, timeout=90, env=environment, check=False)
    if result.returncode == 77:
        pytest.skip(result.stdout.strip())
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout.splitlines()


def test_a_client_on_two_addresses_and_its_nodes():
    assert output_of("nodes.py") == [str([FIRST, SECOND])]


def test_a_factory_that_keeps_the_management_for_later():
    lines = output_of("factory.py")
    assert sorted(lines[:2]) in (["11211 0", "11212 1"], ["11211 1", "11212 0"])
    assert lines[2] == f"{[FIRST, SECOND]} []"


def test_events_that_are_printed_while_a_node_dies_and_returns():
    assert output_of("events.py") == [f"Node {SECOND} unhealthy, 1 unhealthy now", f"Node {SECOND} healthy, 2 healthy now", "True"]

"""The examples of the manual run as they stand, against servers on localhost:11211 and 11212 in a network of their own (verbatim.py)."""
import os
import subprocess
import sys

import pytest

import emcache

HERE = os.path.dirname(os.path.abspath(__file__))
EXAMPLES = os.path.join(os.path.dirname(os.path.dirname(HERE)), "examples", "python")

pytestmark = pytest.mark.beyond


@pytest.mark.parametrize("name, says", [("nodes.py", "port=11212"), ("factory.py", "11211: 1 connections"), ("lease.py", "100 pages, 1 load")])
def test_an_example(name, says):
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join([os.path.dirname(os.path.dirname(emcache.__file__)), HERE]))
    result = subprocess.run([sys.executable, "-W", "error::ResourceWarning", os.path.join(HERE, "verbatim.py"), os.path.join(EXAMPLES, name)],
                            capture_output=True, text=True, timeout=90, env=environment, check=False)
    if result.returncode == 77:
        pytest.skip(result.stdout.strip())
    assert result.returncode == 0 and says in result.stdout, result.stdout + result.stderr

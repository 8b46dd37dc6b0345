"""The tests about tasks again, without the fast path: every Task is woken by the loop, as another implementation of tasks would have it."""
import os
import subprocess
import sys

import pytest

import emcache

HERE = os.path.dirname(os.path.abspath(__file__))
FILES = ["test_tasks.py", "test_cancellation.py", "test_commands.py", "test_bulk.py", "test_timeouts.py", "test_loops.py"]

pytestmark = pytest.mark.beyond


@pytest.mark.skipif(os.environ.get("EMCACHE_NO_FAST_WAKE", "0") not in ("", "0"), reason="this is that run")
def test_everything_about_tasks_holds_without_the_fast_path():
    folder = os.path.dirname(os.path.dirname(emcache.__file__))
    environment = dict(os.environ, EMCACHE_NO_FAST_WAKE="1", PYTHONPATH=os.pathsep.join([folder, *os.environ.get("PYTHONPATH", "").split(os.pathsep)]))
    result = subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *[os.path.join(HERE, name) for name in FILES]],
                            capture_output=True, text=True, timeout=300, env=environment, check=False)
    assert result.returncode == 0, result.stdout[-8000:] + result.stderr[-2000:]


@pytest.mark.skipif(sys.version_info < (3, 10), reason="the Tasks of 3.9 wake through a type of their own: the plain path")
def test_the_fast_path_is_on_where_it_was_not_switched_off():
    """On every CPython that is known; a new one that behaves otherwise would be seen here, and goes on with the plain path."""
    from emcache._fast_wake import FAST_WAKE
    assert FAST_WAKE is (os.environ.get("EMCACHE_NO_FAST_WAKE", "0") in ("", "0"))

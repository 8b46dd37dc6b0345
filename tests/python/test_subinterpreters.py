"""Further interpreters in one process: the extension keeps nothing that is shared. Those that have a lock of their own (3.12) refuse it, as they do every
extension that does not say that it knows them."""
import importlib
import subprocess
import sys

import pytest

pytestmark = pytest.mark.beyond

PROGRAM = """
import importlib, sys
interpreters = importlib.import_module({module!r})
program = '''
import asyncio, emcache
async def main():
    client = await emcache.create_client([emcache.MemcachedHostAddress("127.0.0.1", {port})])
    await client.set(b"{key}", b"1")
    items = await asyncio.gather(*[client.get(b"{key}") for _ in range(50)], client.get_many([b"{key}"]))
    assert items[0].value == items[-1][b"{key}"].value == b"1"
    try:
        await client.delete(b"{key}:none")
    except emcache.NotFoundCommandError:
        print("well", end=" ", flush=True)
    await client.close()
asyncio.run(main())
'''
exec(program)
for turn in range(3):
    interpreter = {create}
    try:
        failure = interpreters.{run}(interpreter, program)
        assert failure is None, failure
    finally:
        interpreters.destroy(interpreter)
exec(program)
"""


def run(server, key, **shape):
    program = PROGRAM.format(module=MODULE, port=server.port, key=key.decode(), **shape)
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)


MODULE = "_interpreters" if sys.version_info >= (3, 13) else "_xxsubinterpreters"
RUN = "exec" if sys.version_info >= (3, 13) else "run_string"
SHARED = "interpreters.create('legacy')" if sys.version_info >= (3, 13) else "interpreters.create(isolated=False)"
OWN = "interpreters.create('isolated')" if sys.version_info >= (3, 13) else "interpreters.create(isolated=True)"


@pytest.fixture(autouse=True)
def has_interpreters():
    try:
        importlib.import_module(MODULE)
    except ImportError:
        pytest.skip("this Python has no module that makes interpreters")


def test_interpreters_one_after_the_other(server, key):
    result = run(server, key, create=SHARED, run=RUN)
    assert result.returncode == 0, result.stderr
    assert result.stdout.split() == ["well"] * 5


@pytest.mark.skipif(sys.version_info < (3, 12), reason="all share one lock")
def test_an_interpreter_with_a_lock_of_its_own_refuses_the_extension(server, key):
    result = run(server, key, create=OWN, run=RUN)
    assert result.returncode == 1 and "does not support loading in subinterpreters" in result.stderr, result.stderr
    assert result.stdout.split() == ["well"]

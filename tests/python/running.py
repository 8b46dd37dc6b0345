"""Runs coroutines in tests: on which loop, within which bound, and with what must not be left behind.

A test that is a coroutine function runs once on each loop (conftest.py); a test that needs several loops calls run() itself."""
import asyncio
import sys

try:
    import uvloop
except ImportError:
    uvloop = None

import emcache

# The package that ours replaces keeps its engine in a module `_cython`: the same tests run on it, without those marked `beyond`.
ORIGINAL = hasattr(emcache, "_cython")
LOOPS = ["asyncio"] + (["uvloop"] if uvloop is not None else [])
BOUND_S = 60.0  # a test that is stuck fails, it does not hang


def new_loop(kind="asyncio"):
    return uvloop.new_event_loop() if kind == "uvloop" else asyncio.new_event_loop()


def _end(loop):
    """What asyncio.run does at its end."""
    left = asyncio.all_tasks(loop)
    for task in left:
        task.cancel()
    if left:
        loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.run_until_complete(loop.shutdown_default_executor())


def run(coroutine, kind="asyncio", bound_s=BOUND_S, quiet=False):
    """Like asyncio.run on a loop of this kind. What the loop would only log (an exception nobody fetched, an error in a callback)
    fails the test, unless it is quiet."""
    complaints = []
    loop = new_loop(kind)
    loop.set_exception_handler(lambda _, context: complaints.append(context))
    try:
        asyncio.set_event_loop(loop)
        result = loop.run_until_complete(asyncio.wait_for(coroutine, bound_s))
    finally:
        try:
            _end(loop)
        finally:
            asyncio.set_event_loop(None)
            loop.close()
    if complaints and not quiet and not ORIGINAL:
        raise AssertionError(f"the event loop was told of errors: {complaints}")
    return result


async def eventually(condition, within_s=20.0, every_s=0.01):
    """Awaits that a condition (a function, or a coroutine function) holds, and returns what it gave."""
    deadline = asyncio.get_running_loop().time() + within_s
    while True:
        value = condition()
        if asyncio.iscoroutine(value):
            value = await value
        if value:
            return value
        if asyncio.get_running_loop().time() > deadline:
            raise AssertionError(f"did not come within {within_s} s: {condition}")
        await asyncio.sleep(every_s)


async def ticks(count=3):
    """Lets the loop turn: what was started has been submitted and written."""
    for _ in range(count):
        await asyncio.sleep(0)


def elapsed_in(loop, begin):
    return loop.time() - begin


HAS_TASK_GROUP = sys.version_info >= (3, 11)

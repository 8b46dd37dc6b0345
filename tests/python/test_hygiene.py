"""Nothing is left behind: descriptors, memory, objects, callbacks of the loop."""
import asyncio
import gc
import os
import sys
import tracemalloc
import warnings
import weakref

import pytest

import emcache
from clients import client_on
from running import LOOPS, ORIGINAL, run, ticks
from scripted import scripted

pytestmark = pytest.mark.beyond  # the original is not held to this

# A sanitizer keeps what was released for a while, and asyncio's debug mode keeps tracebacks: memory is not measured then.
measures_memory = pytest.mark.skipif(os.environ.get("EMCACHE_TESTS_SANITIZED") == "1", reason="memory is not measured under a sanitizer")


def descriptors():
    return len(os.listdir("/proc/self/fd"))


def resident_kib():
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024


async def silent(talk):
    await talk.silence()


@pytest.mark.parametrize("kind", LOOPS)
def test_many_clients_leave_no_descriptor(cluster, key, kind):
    async def once():
        async with client_on(*cluster) as client:
            await client.set(key, b"v")
            await client.get_many([key + b":%d" % number for number in range(20)])

    run(once(), kind)
    gc.collect()
    before = descriptors()
    for _ in range(20):
        run(once(), kind)
    gc.collect()
    assert descriptors() == before


async def test_many_clients_in_one_loop_leave_no_descriptor(cluster, key):
    async def once():
        async with client_on(*cluster) as client:
            await client.set(key, b"v")

    await once()
    before = descriptors()
    for _ in range(50):
        await once()
    await asyncio.gather(*[once() for _ in range(20)])
    await ticks()
    assert descriptors() == before


@measures_memory
@pytest.mark.one_loop
async def test_many_clients_leave_no_memory(server, key):
    async def once():
        async with client_on(server) as client:
            await asyncio.gather(*[client.set(key + b":%d" % number, b"x" * 1000) for number in range(20)])
            await client.get_many([key + b":%d" % number for number in range(20)])

    for _ in range(30):
        await once()
    gc.collect()
    before = resident_kib()
    for _ in range(150):
        await once()
    gc.collect()
    assert resident_kib() - before < 3000, "about 20 KiB a client"


@measures_memory
@pytest.mark.one_loop
async def test_operations_leave_no_objects_and_no_memory(server, key):
    async with client_on(server, timeout=10.0) as client:
        await client.set(key, b"x" * 100)
        asyncio.get_running_loop().slow_callback_duration = 60.0  # under -X dev its warnings would be kept, and counted

        async def work(count):
            for _ in range(count):
                await asyncio.gather(*[client.get(key) for _ in range(20)], client.set(key, b"x" * 100), client.get_many([key, key + b":none"]),
                                     client.delete(key + b":none"), return_exceptions=True)
        await work(50)
        gc.collect()
        tracemalloc.start()
        try:
            await work(5)
            gc.collect()
            objects, (bytes_before, _) = len(gc.get_objects()), tracemalloc.get_traced_memory()
            await work(150)
            gc.collect()
            bytes_after, _ = tracemalloc.get_traced_memory()
            assert abs(len(gc.get_objects()) - objects) < 50
            assert bytes_after - bytes_before < 30_000, "3,450 operations"
        finally:
            tracemalloc.stop()


@pytest.mark.one_loop
async def test_reference_counts_come_back(server, key):
    value, name = b"x" * 5000, bytes(bytearray(key))
    marker = b"".join([b"unique", name])
    async with client_on(server) as client:
        async def work():
            await client.set(marker, value)
            await client.get(marker)
            await client.get_many([marker])
            await asyncio.gather(*[client.get(marker) for _ in range(10)])
            for call in (lambda: client.delete(marker + b":none"), lambda: client.cas(marker, value, 1)):
                try:
                    await call()
                except emcache.CommandError:
                    pass
        await work()
        gc.collect()
        counts = [sys.getrefcount(one) for one in (value, marker, None, client, emcache.Item, emcache.NotFoundCommandError)]
        for _ in range(50):
            await work()
        gc.collect()
        after = [sys.getrefcount(one) for one in (value, marker, None, client, emcache.Item, emcache.NotFoundCommandError)]
        assert all(abs(b - a) < 20 for a, b in zip(counts, after)), (counts, after)


@pytest.mark.one_loop
async def test_failed_calls_keep_no_references(server, key):
    async with client_on(server) as client:
        for call in (lambda: client.get(b"a b"), lambda: client.set(key, 1), lambda: client.get_many([key, 1]), lambda: client.set(key, b"v", flags=2**32),
                     lambda: client.get("text"), lambda: client.gat(2**40, key)):
            def tries():
                try:
                    call().close()
                except (TypeError, ValueError):
                    pass
            tries()
            before = sys.getrefcount(key), sys.getrefcount(client)
            for _ in range(100):
                tries()
            assert (sys.getrefcount(key), sys.getrefcount(client)) == before


async def test_an_abandoned_operation_is_collected():
    """A task and an operation that refer to each other, with nobody else: garbage collection finds both."""
    async with scripted(silent) as place:
        client = await emcache.create_client([place.address], timeout=None)
        await ticks(5)
        command = client.get(b"key")
        command.send(None)
        gone = weakref.ref(client)
        await ticks(3)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            del command
            gc.collect()
        await client.close()
        del client
        gc.collect()
        await ticks(3)
        gc.collect()
        assert gone() is None


async def test_a_closed_client_is_collected(server, key):
    client = await emcache.create_client([server.address])
    await client.get(key)
    gone = weakref.ref(client)
    await client.close()
    del client
    await ticks(3)
    gc.collect()
    assert gone() is None


@pytest.mark.skipif(ORIGINAL, reason="speaks of ours")
async def test_a_forgotten_client_is_collected_and_its_descriptors_close(server, key):
    await asyncio.sleep(0)
    gc.collect()
    before = descriptors()
    client = await emcache.create_client([server.address])
    await client.get(key)
    assert descriptors() > before
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        del client
        gc.collect()
        await ticks(5)
        gc.collect()
    assert any(issubclass(one.category, ResourceWarning) for one in caught)
    assert descriptors() == before


async def test_a_create_that_fails_leaves_nothing(server):
    before = descriptors()
    for options in ({"max_connections": 0}, {"ssl": True, "ssl_extra_ca": "/none.pem"}, {"timeout": "x"}):
        for _ in range(3):
            with pytest.raises((ValueError, TypeError, OSError)):
                await emcache.create_client([server.address], **options)
    gc.collect()
    await ticks()
    assert descriptors() == before


async def test_timed_out_and_cancelled_operations_leave_nothing():
    async with scripted(silent) as place, client_on(place, timeout=0.02) as client:
        async def work():
            tasks = [asyncio.ensure_future(client.get(b"key:%d" % number)) for number in range(50)]
            await ticks(2)
            for task in tasks[::2]:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        for _ in range(3):
            await work()
        gc.collect()
        objects = len(gc.get_objects())
        for _ in range(8):
            await work()
        gc.collect()
        assert abs(len(gc.get_objects()) - objects) < 200


def test_interpreter_exit_with_an_open_client_is_clean(server):
    import subprocess
    program = ("import asyncio, emcache\n"
               "async def main():\n"
               "    global client, task\n"
               f"    client = await emcache.create_client([emcache.MemcachedHostAddress('127.0.0.1', {server.port})])\n"
               "    await client.set(b'key', b'v')\n"
               "    task = asyncio.ensure_future(client.get(b'key'))\n"
               "    await asyncio.sleep(0)\n"
               "loop = asyncio.new_event_loop()\n"
               "loop.run_until_complete(main())\n")
    result = subprocess.run([sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stderr
    assert "Fatal" not in result.stderr and "Segmentation" not in result.stderr


@pytest.mark.parametrize("line", ["raise SystemExit(3)", "raise KeyboardInterrupt", "import os; os._exit(3)"])
def test_an_end_in_the_middle_of_operations(server, line):
    import subprocess
    program = ("import asyncio, emcache\n"
               "async def main():\n"
               f"    client = await emcache.create_client([emcache.MemcachedHostAddress('127.0.0.1', {server.port})])\n"
               "    await client.set(b'key', b'v')\n"
               "    tasks = [asyncio.ensure_future(client.get(b'key')) for _ in range(50)]\n"
               "    await client.get(b'key')\n"
               f"    {line}\n"
               "asyncio.run(main())\n")
    result = subprocess.run([sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode in (3, 130, -2, 1), (result.returncode, result.stderr)
    assert "Fatal" not in result.stderr

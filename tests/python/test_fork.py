"""fork: parent and child never share a connection."""
import asyncio
import os
import sys
import traceback

import pytest

import emcache
from running import new_loop, run

pytestmark = [pytest.mark.beyond, pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork"),
              pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")]


def in_child(work):
    """Runs work in a child; what it prints on failure is shown."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            work()
            status = 0
        except BaseException:
            os.write(writing, traceback.format_exc().encode())
        finally:
            os._exit(status)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        said = pipe.read().decode()
    _, status = os.waitpid(pid, 0)
    assert status == 0, said or status


async def round_trip(server, key, count=50):
    client = await emcache.create_client([server.address])
    await asyncio.gather(*[client.set(key + b":%d" % number, b"%d" % number) for number in range(count)])
    items = await asyncio.gather(*[client.get(key + b":%d" % number) for number in range(count)])
    assert [item.value for item in items] == [b"%d" % number for number in range(count)]
    await client.close()


def test_a_child_makes_clients_of_its_own(server, key):
    run(round_trip(server, key))
    in_child(lambda: asyncio.run(round_trip(server, key)))
    run(round_trip(server, key))


def test_a_parents_client_is_untouched_by_a_child_that_ends(server, key):
    """pymemcache#34, dalli#440."""
    loop = new_loop()
    try:
        client = loop.run_until_complete(emcache.create_client([server.address], max_connections=1))
        loop.run_until_complete(client.set(key, b"v"))

        def child():
            asyncio.set_event_loop(None)
            asyncio.run(round_trip(server, key + b":child"))
        for _ in range(3):
            in_child(child)
            assert loop.run_until_complete(client.get(key)).value == b"v"
        metrics = client.cluster_managment().connection_pool_metrics()[server.address]
        assert metrics.connections_created == 1
        loop.run_until_complete(client.close())
    finally:
        loop.close()


def test_a_parent_with_operations_in_flight(server, key):
    loop = new_loop()
    try:
        client = loop.run_until_complete(emcache.create_client([server.address], max_connections=1))
        names = [key + b":%d" % number for number in range(100)]

        async def fill():
            await asyncio.gather(*[client.set(name, name) for name in names])

        async def wait(tasks):
            return await asyncio.gather(*tasks)
        loop.run_until_complete(fill())
        tasks = [loop.create_task(client.get(name)) for name in names]
        loop.call_soon(lambda: loop.call_soon(loop.stop))
        loop.run_forever()
        in_child(lambda: None)
        assert [item.value for item in loop.run_until_complete(wait(tasks))] == names
        loop.run_until_complete(client.close())
    finally:
        loop.close()


def test_a_child_that_drops_the_parents_client_harms_nothing(server, key):
    """Closing, collecting or forgetting it in the child neither crashes nor ends the parent's connection."""
    loop = new_loop()
    try:
        holder = [loop.run_until_complete(emcache.create_client([server.address], max_connections=1))]
        loop.run_until_complete(holder[0].set(key, b"v"))

        def child():
            import gc
            import warnings
            warnings.simplefilter("ignore")
            holder.clear()
            gc.collect()
        in_child(child)
        assert loop.run_until_complete(holder[0].get(key)).value == b"v"
        assert holder[0].cluster_managment().connection_pool_metrics()[server.address].connections_created == 1
        loop.run_until_complete(holder[0].close())
    finally:
        loop.close()


@pytest.mark.skipif(sys.platform != "linux", reason="fork is the default on Linux alone")
def test_multiprocessing_by_fork(server, key):
    import multiprocessing
    run(round_trip(server, key))
    context = multiprocessing.get_context("fork")
    with context.Pool(2) as pool:
        assert pool.map(_work, [(server.address, key + b":%d" % number) for number in range(4)]) == [b"v"] * 4


def _work(arguments):
    address, key = arguments

    async def main():
        client = await emcache.create_client([address])
        await client.set(key, b"v")
        value = (await client.get(key)).value
        await client.close()
        return value
    return asyncio.run(main())

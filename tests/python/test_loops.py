"""Clients and event loops: many in one, one in each of many, one after the other; a client that nobody closes."""
import asyncio
import gc
import threading
import time
import warnings

import pytest

import emcache
from clients import client_on
from running import LOOPS, ORIGINAL, new_loop, run


async def round_trip(server, key, count=20):
    async with client_on(server) as client:
        await asyncio.gather(*[client.set(key + b":%d" % number, b"%d" % number) for number in range(count)])
        found = await client.get_many([key + b":%d" % number for number in range(count)])
        assert {name: item.value for name, item in found.items()} == {key + b":%d" % number: b"%d" % number for number in range(count)}


async def test_several_clients_in_one_loop(server, cluster, key):
    await asyncio.gather(*[round_trip(place, key + b"-%d" % number) for number, place in enumerate([server, *cluster] * 4)])


def test_asyncio_run_twice(server, key):
    asyncio.run(round_trip(server, key))
    asyncio.run(round_trip(server, key))


@pytest.mark.parametrize("kind", LOOPS)
def test_loops_one_after_the_other(server, key, kind):
    for _ in range(5):
        run(round_trip(server, key), kind)


def test_run_until_complete_many_times_on_one_loop(server, key):
    loop = new_loop()
    try:
        client = loop.run_until_complete(emcache.create_client([server.address]))
        for number in range(20):
            loop.run_until_complete(client.set(key, b"%d" % number))
            assert loop.run_until_complete(client.get(key)).value == b"%d" % number
        loop.run_until_complete(client.close())
    finally:
        loop.close()


@pytest.mark.parametrize("kind", LOOPS)
def test_a_client_for_each_loop_in_several_threads(server, key, kind):
    faults = []

    def work(number):
        try:
            for _ in range(3):
                run(round_trip(server, key + b"-%d" % number, count=50), kind)
        except BaseException as fault:
            faults.append(fault)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults


def test_a_thread_hands_work_to_the_loop_of_a_client(server, key):
    """run_coroutine_threadsafe is the way to use a client from another thread."""
    loop = new_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        client = asyncio.run_coroutine_threadsafe(emcache.create_client([server.address]), loop).result(20)
        asyncio.run_coroutine_threadsafe(client.set(key, b"v"), loop).result(20)
        assert asyncio.run_coroutine_threadsafe(client.get(key), loop).result(20).value == b"v"
        asyncio.run_coroutine_threadsafe(client.close(), loop).result(20)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@pytest.mark.skipif(ORIGINAL, reason="the original leaves its transports to warn")
@pytest.mark.parametrize("kind", LOOPS)
def test_an_unclosed_client_warns_and_leaks_nothing(server, key, kind):
    async def forgets():
        client = await emcache.create_client([server.address])
        await client.set(key, b"v")

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        run(forgets(), kind)
        gc.collect()
    mine = [one for one in caught if issubclass(one.category, ResourceWarning) and "lient" in str(one.message)]
    assert len(mine) == 1, [str(one.message) for one in caught]


@pytest.mark.skipif(ORIGINAL, reason="the original leaves its transports to warn")
def test_a_client_may_outlive_its_loop(server, key):
    """It warns when it goes; until then it says that it is of no use, and does not crash."""
    async def makes():
        client = await emcache.create_client([server.address])
        await client.set(key, b"v")
        return client

    client = run(makes())
    with pytest.raises(RuntimeError):
        run(use(client, key))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        del client
        gc.collect()


async def use(client, key):
    return await client.get(key)


@pytest.mark.beyond
def test_a_client_used_in_another_loop_raises(server, key):
    loop = new_loop()
    try:
        client = loop.run_until_complete(emcache.create_client([server.address]))
        with pytest.raises(RuntimeError):
            run(use(client, key))
        loop.run_until_complete(client.set(key, b"v"))
        loop.run_until_complete(client.close())
    finally:
        loop.close()


@pytest.mark.beyond
async def test_a_client_used_from_another_thread_raises(server, key):
    async with client_on(server) as client:
        await client.set(key, b"v")
        seen = []

        def elsewhere():
            for call in (lambda: run(use(client, key)), lambda: client.get(key).send(None), lambda: run(client.close())):
                try:
                    call()
                except BaseException as fault:
                    seen.append(fault)
                else:
                    seen.append(None)
        thread = threading.Thread(target=elsewhere)
        thread.start()
        await asyncio.get_running_loop().run_in_executor(None, thread.join)
        assert [type(fault) for fault in seen] == [RuntimeError] * 3, seen
        assert (await client.get(key)).value == b"v"


def test_create_client_outside_a_loop_raises(server):
    command = emcache.create_client([server.address])
    with pytest.raises((RuntimeError, StopIteration)) as caught:
        command.send(None)
    assert caught.type is RuntimeError
    command.close()


def test_a_loop_that_stops_in_the_middle_goes_on_later(server, key):
    loop = new_loop()
    try:
        client = loop.run_until_complete(emcache.create_client([server.address]))
        tasks = [loop.create_task(client.set(key + b":%d" % number, b"v")) for number in range(50)]
        loop.call_soon(loop.stop)
        loop.run_forever()
        loop.run_until_complete(asyncio.wait(tasks))
        assert all(task.exception() is None for task in tasks)
        loop.run_until_complete(client.close())
    finally:
        loop.close()


@pytest.mark.parametrize("turns", [0, 2])
def test_a_loop_that_was_blocked_finds_its_nodes_well(server, key, turns):
    """A slow start after create_client, or in the middle: nothing is wrong with the node."""
    async def work():
        async with client_on(server, timeout=5.0) as client:
            for _ in range(turns):
                await asyncio.sleep(0)
            time.sleep(1.3)
            await client.set(key, b"v")
            assert not client.cluster_managment().unhealthy_nodes()
            time.sleep(1.3)
            assert (await client.get(key)).value == b"v"
    run(work())

"""Timeouts: of the client, of asyncio, and none."""
import asyncio

import pytest

import emcache
from clients import client_on
from running import HAS_TASK_GROUP, eventually
from scripted import scripted


async def silent(talk):
    await talk.silence()


def calls(client):
    return {"get": lambda: client.get(b"k"), "gets": lambda: client.gets(b"k"), "get_many": lambda: client.get_many([b"k", b"l"]),
            "gat": lambda: client.gat(0, b"k"), "gat_many": lambda: client.gat_many(0, [b"k"]), "set": lambda: client.set(b"k", b"v"),
            "append": lambda: client.append(b"k", b"v"), "cas": lambda: client.cas(b"k", b"v", 1), "increment": lambda: client.increment(b"k", 1),
            "touch": lambda: client.touch(b"k", 1), "delete": lambda: client.delete(b"k")}


@pytest.mark.parametrize("name", sorted(calls(None)))
async def test_a_silent_server_is_an_asyncio_timeout_error(name):
    async def quiet(talk):  # says version alone, as a stopped node does not
        while await talk.line():
            pass
    async with scripted(quiet) as place, client_on(place, timeout=0.05) as client:
        begin = asyncio.get_running_loop().time()
        with pytest.raises(asyncio.TimeoutError):
            await calls(client)[name]()
        assert 0.04 <= asyncio.get_running_loop().time() - begin < 5


async def test_many_timeouts_come_together():
    async with scripted(silent) as place, client_on(place, timeout=0.1, max_connections=1) as client:
        begin = asyncio.get_running_loop().time()
        results = await asyncio.gather(*[client.get(b"key:%d" % number) for number in range(300)], return_exceptions=True)
        assert all(isinstance(result, asyncio.TimeoutError) for result in results)
        assert asyncio.get_running_loop().time() - begin < 5


async def test_without_a_timeout_an_answer_is_awaited():
    async def late(talk):
        while await talk.line():
            await asyncio.sleep(0.3)
            talk.send(b"VALUE k 0 4\r\nlate\r\nEND\r\n")
    async with scripted(late) as place, client_on(place, timeout=None) as client:
        assert (await client.get(b"k")).value == b"late"


async def test_wait_for_bounds_an_operation():
    async with scripted(silent) as place, client_on(place, timeout=None) as client:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(client.get(b"k"), 0.05)
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(asyncio.ensure_future(client.get(b"k")), 0.05)


@pytest.mark.skipif(not HAS_TASK_GROUP, reason="asyncio.timeout() came with Python 3.11")
async def test_asyncio_timeout_bounds_an_operation():
    async with scripted(silent) as place, client_on(place, timeout=None) as client:
        with pytest.raises(asyncio.TimeoutError):
            async with asyncio.timeout(0.05):
                await client.get(b"k")
        with pytest.raises(asyncio.TimeoutError):
            async with asyncio.timeout(10):
                async with asyncio.timeout(0.05):
                    await client.get_many([b"k", b"l"])
        assert asyncio.current_task().cancelling() == 0


async def test_a_timeout_of_the_client_is_no_cancellation():
    async with scripted(silent) as place, client_on(place, timeout=0.05) as client:
        task = asyncio.ensure_future(client.get(b"k"))
        await asyncio.wait([task])
        assert not task.cancelled()
        assert isinstance(task.exception(), asyncio.TimeoutError)
        if HAS_TASK_GROUP:
            with pytest.raises(asyncio.TimeoutError):
                await client.get(b"k")
            assert asyncio.current_task().cancelling() == 0


async def test_a_client_works_on_after_a_timeout(start):
    server = start()
    async with client_on(server, timeout=0.1) as client:
        await client.set(b"key", b"v")
        server.stop()
        with pytest.raises(asyncio.TimeoutError):
            await client.get(b"key")
        server.go_on()

        async def answers():
            try:
                return (await client.get(b"key")).value == b"v"
            except asyncio.TimeoutError:
                return False
        await eventually(answers)


async def test_a_client_can_be_made_while_nothing_listens():
    address = emcache.MemcachedHostAddress("127.0.0.1", 9)
    async with client_on(address, timeout=0.2) as client:
        assert client.cluster_managment().nodes() == [address]
        with pytest.raises(asyncio.TimeoutError):
            await client.get(b"k")


@pytest.mark.beyond
async def test_a_timeout_costs_no_connection_and_the_late_reply_is_dropped():
    """aiomcache#489, dalli#956: the reply of what timed out is not that of what comes next."""
    gate = asyncio.Event()

    async def late(talk):
        number = 0
        while True:
            line = await talk.line()
            if line is None:
                return
            await gate.wait()
            for name in line.split()[1:]:
                talk.send(b"VALUE %b 0 %d\r\n%b\r\n" % (name, len(name), name))
            talk.send(b"END\r\n")
            number += 1

    async with scripted(late) as place, client_on(place, timeout=0.2, max_connections=1) as client:
        with pytest.raises(asyncio.TimeoutError):
            await client.get(b"first")
        second = asyncio.ensure_future(client.get(b"second"))
        await asyncio.sleep(0.02)
        gate.set()
        assert (await second).value == b"second"
        for number in range(20):
            assert (await client.get(b"key:%d" % number)).value == b"key:%d" % number
        assert len(place.talks) == 1
        assert client.cluster_managment().connection_pool_metrics()[place.address].cur_connections == 1


@pytest.mark.beyond
async def test_a_stalled_server_bounds_what_is_buffered(start):
    """noreply sets to a stalled server: they wait or fail, memory does not grow (the original kept 96 MB)."""
    server = start()
    async with client_on(server, timeout=0.3, max_connections=1) as client:
        await client.set(b"key", b"v")
        server.stop()
        try:
            results = await asyncio.gather(*[client.set(b"key:%d" % number, b"x" * 10_000, noreply=True) for number in range(8000)],
                                           return_exceptions=True)
        finally:
            server.go_on()
        failed = [result for result in results if result is not None]
        assert failed and all(isinstance(result, (asyncio.TimeoutError, emcache.CommandError)) for result in failed)


@pytest.mark.parametrize("timeout", [0, -1.0, float("nan"), "1"])
@pytest.mark.beyond
async def test_a_timeout_that_makes_no_sense_is_refused(server, timeout):
    with pytest.raises((ValueError, TypeError)):
        await emcache.create_client([server.address], timeout=timeout)

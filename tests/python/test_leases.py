"""fetch(wait=…): those that did not win wait for the winner's value, within a time of their own."""
import asyncio
import math

import pytest

import emcache
from clients import client_on
from running import eventually
from scripted import scripted

pytestmark = pytest.mark.beyond


async def winner_of(client, key):
    lease = await client.fetch(key, 30)
    assert lease.won
    return lease


async def waiting(client, key, count=1, **options):
    """Tasks that wait, each of which has looked once."""
    tasks = [asyncio.ensure_future(client.fetch(key, 30, **{"wait": 30, **options})) for _ in range(count)]
    await asyncio.sleep(0)
    await client.get(key)  # behind their looks, on the same key
    return tasks


async def test_they_get_the_value_as_soon_as_it_is_filled(server, key):
    async with client_on(server) as client:
        lease = await winner_of(client, key)
        tasks = await waiting(client, key, 20)
        assert not any(task.done() for task in tasks)
        assert await client.fill(key, b"loaded", lease)
        for result in await asyncio.gather(*tasks):
            assert (result.value, result.won) == (b"loaded", False)


async def test_when_the_time_is_over_they_go_without(server, key):
    async with client_on(server) as client:
        await winner_of(client, key)
        begin = asyncio.get_running_loop().time()
        result = await client.fetch(key, 30, wait=0.05)
        assert (result.value, result.won, result.already_won) == (None, False, True)
        assert 0.04 <= asyncio.get_running_loop().time() - begin < 20


async def test_without_a_time_there_is_one_look(server, key):
    async with client_on(server) as client:
        await winner_of(client, key)
        for wait in ({}, {"wait": 0}, {"wait": 0.0}, {"wait": False}):
            result = await client.fetch(key, 30, **wait)
            assert (result.value, result.already_won) == (None, True)


async def test_of_those_that_wait_one_wins_when_the_winner_gives_up(server, key):
    async with client_on(server) as client:
        lease = await winner_of(client, key)
        tasks = await waiting(client, key, 5)
        assert await client.give_up(key, lease)
        await eventually(lambda: any(task.done() for task in tasks))
        won = [task.result() for task in tasks if task.done()]
        assert len(won) == 1 and won[0].won
        assert await client.fill(key, b"second", won[0])
        assert sorted((result.value or b"", result.won) for result in await asyncio.gather(*tasks)) == [(b"", True), *[(b"second", False)] * 4]


async def test_who_wins_does_not_wait(server, key):
    async with client_on(server) as client:
        assert (await client.fetch(key, 30, wait=math.inf)).won


async def test_a_stale_value_is_not_waited_for(server, key):
    async with client_on(server) as client:
        await client.set(key, b"old")
        await client.invalidate(key, 60)
        assert (await client.fetch(key, 30, wait=math.inf)).won
        result = await client.fetch(key, 30, wait=math.inf)
        assert (result.value, result.stale, result.won) == (b"old", True, False)


async def test_the_other_arguments_go_along(cluster, key):
    async with client_on(*cluster) as client:
        lease = await client.fetch(key, 30, routing_key=b"elsewhere", wait=1)
        assert lease.won
        assert await client.fill(key, b"v", lease, routing_key=b"elsewhere", exptime=100)
        assert (await client.fetch(key, 30, routing_key=b"elsewhere", wait=1, recache_below=1000)).won  # less than 1000 s are left
        assert (await client.fetch(key, 30, routing_key=b"elsewhere", wait=1, timeout=5.0)).value == b"v"


@pytest.mark.parametrize("wait, kind", [(-1, ValueError), (-0.001, ValueError), (math.nan, ValueError), (-math.inf, ValueError), (10**400, ValueError), ("1", TypeError),
                                        (None, TypeError), (b"1", TypeError), ([], TypeError)], ids=repr)
async def test_a_bad_time_is_refused_at_the_call(server, key, wait, kind):
    async with client_on(server) as client:
        with pytest.raises(kind, match="wait"):
            client.fetch(key, 30, wait=wait)


async def test_the_other_arguments_are_checked_at_the_call_too(server, key):
    async with client_on(server) as client:
        for call in (lambda: client.fetch(b"a b", 30, wait=1), lambda: client.fetch(key, 0, wait=1), lambda: client.fetch(key, 30, wait=1, recache_below=-1),
                     lambda: client.fetch(key, 30, wait=1, timeout=0)):
            with pytest.raises(ValueError):
                call()
        for call in (lambda: client.fetch("k", 30, wait=1), lambda: client.fetch(key, 30, 0, wait=1), lambda: client.fetch(key, 30, wait=1, routing_key="r")):
            with pytest.raises(TypeError):
                call()


async def test_it_is_cancelled_while_it_looks_and_while_it_sleeps(server, key):
    async def quiet(talk):
        while await talk.line() is not None:
            pass

    async with scripted(quiet) as place, client_on(place, timeout=None) as client:
        looking = asyncio.ensure_future(client.fetch(key, 30, wait=30))
        await asyncio.sleep(0.01)
        looking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await looking
    async with client_on(server) as client:
        await winner_of(client, key)
        sleeping, = await waiting(client, key)
        sleeping.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sleeping
        assert client.pending == 0
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(client.fetch(key, 30, wait=30), 0.05)


async def test_the_timeout_is_each_looks_and_the_wait_may_be_longer(server, key):
    async with client_on(server, timeout=0.5) as client:
        lease = await winner_of(client, key)
        task, = await waiting(client, key)
        await asyncio.sleep(0.7)
        assert not task.done()
        await client.fill(key, b"late", lease)
        assert (await task).value == b"late"


async def test_a_client_closed_meanwhile_raises(server, key):
    async with client_on(server) as client:
        await winner_of(client, key)
        task, = await waiting(client, key)
    with pytest.raises(RuntimeError, match="closed"):
        await task
    with pytest.raises(RuntimeError, match="closed"):
        await client.fetch(key, 30, wait=1)


async def test_another_thread_is_refused(server, key):
    async with client_on(server) as client:
        def elsewhere():
            with pytest.raises(RuntimeError, match="thread"):
                asyncio.run(awaited(client.fetch(key, 30, wait=1)))

        async def awaited(coroutine):
            return await coroutine
        await asyncio.get_running_loop().run_in_executor(None, elsewhere)


async def test_one_that_nobody_awaited_warns_once(server, key):
    async with client_on(server) as client:
        with pytest.warns(RuntimeWarning, match="'Client.fetch' was never awaited") as caught:
            client.fetch(key, 30, wait=1)
        assert len(caught) == 1

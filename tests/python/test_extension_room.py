"""When the engine is full, commands wait: first come, first served, within their timeout."""
import asyncio

import pytest

import emcache
from clients import client_on
from scripted import scripted

pytestmark = pytest.mark.beyond


async def test_commands_wait_for_room_in_the_order_they_came(server, key):
    order = []
    async with client_on(server, timeout=20.0, engine_options={"operations_max": 3}) as client:
        async def one(number):
            await client.append(key, b"%d," % number)
            order.append(number)
        await client.set(key, b"")
        await asyncio.gather(*[one(number) for number in range(100)])
        assert (await client.get(key)).value == b"".join(b"%d," % number for number in range(100))
    assert order == list(range(100))


async def test_a_command_that_waits_for_room_times_out_there():
    async def silent(talk):
        await talk.silence()
    async with scripted(silent) as place, client_on(place, timeout=0.3, engine_options={"operations_max": 2}) as client:
        begin = asyncio.get_running_loop().time()
        results = await asyncio.gather(*[client.get(b"key:%d" % number) for number in range(6)], return_exceptions=True)
        assert all(isinstance(result, asyncio.TimeoutError) for result in results)
        assert asyncio.get_running_loop().time() - begin < 5
        assert client.pending == 0


async def test_a_command_that_waits_for_room_can_be_cancelled():
    async def silent(talk):
        await talk.silence()
    async with scripted(silent) as place, client_on(place, timeout=None, engine_options={"operations_max": 1}) as client:
        first, second, third = [asyncio.ensure_future(client.get(b"key:%d" % number)) for number in range(3)]
        await asyncio.sleep(0.01)
        assert client.pending == 3
        second.cancel()
        await asyncio.gather(second, return_exceptions=True)
        assert second.cancelled() and client.pending == 2 and not third.done()
    assert all(isinstance(result, RuntimeError) for result in await asyncio.gather(first, third, return_exceptions=True))


async def test_noreply_waits_for_room_too(server, key):
    async with client_on(server, timeout=20.0, engine_options={"operations_max": 2}) as client:
        await asyncio.gather(*[client.set(key + b":%d" % number, b"v", noreply=True) for number in range(200)])
        assert all(await asyncio.gather(*[client.get(key + b":%d" % number) for number in range(200)]))


async def test_a_bulk_call_above_the_limit_is_refused_with_words(server, key):
    async with client_on(server, engine_options={"operations_max": 10}) as client:
        with pytest.raises(ValueError, match="operations_max"):
            await client.get_many([key + b":%d" % number for number in range(11)])


async def test_the_client_is_usable_after_a_full_moment(server, key):
    async with client_on(server, timeout=20.0, engine_options={"operations_max": 1}) as client:
        for _ in range(5):
            await asyncio.gather(*[client.set(key, b"v") for _ in range(10)])
        assert (await client.get(key)).value == b"v" and isinstance(client, emcache.Client)

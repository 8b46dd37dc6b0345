"""noreply: nothing is awaited, nothing is raised, nothing gets out of step."""
import asyncio

import pytest

from clients import client_on
from running import eventually


async def comes(client, key, value):
    async def holds():
        item = await client.get(key)
        return item is not None and item.value == value
    await eventually(holds)


async def test_a_set_without_reply_arrives(server, key):
    async with client_on(server) as client:
        assert await client.set(key, b"v", noreply=True) is None
        await comes(client, key, b"v")


async def test_every_command_takes_noreply_and_returns_none(server, key):
    async with client_on(server, max_connections=1) as client:
        assert await client.add(key, b"1", noreply=True) is None
        assert await client.replace(key, b"2", noreply=True) is None
        assert await client.append(key, b"3", noreply=True) is None
        assert await client.prepend(key, b"1", noreply=True) is None
        await comes(client, key, b"123")
        assert await client.increment(key, 7, noreply=True) is None
        assert await client.decrement(key, 1, noreply=True) is None
        await comes(client, key, b"129")
        token = (await client.gets(key)).cas
        assert await client.cas(key, b"5", token, noreply=True) is None
        await comes(client, key, b"5")
        assert await client.touch(key, 100, noreply=True) is None
        assert await client.delete(key, noreply=True) is None
        await eventually(lambda: absent(client, key))


async def absent(client, key):
    return await client.get(key) is None


async def test_failures_are_silent(server, key):
    async with client_on(server, max_connections=1) as client:
        assert await client.replace(key, b"v", noreply=True) is None
        assert await client.delete(key, noreply=True) is None
        assert await client.increment(key, 1, noreply=True) is None
        assert await client.touch(key, 1, noreply=True) is None
        assert await client.cas(key, b"v", 17, noreply=True) is None
        assert await client.get(key) is None


async def test_a_node_is_flushed_without_reply(start):
    server = start()
    async with client_on(server) as client:
        await client.set(b"key", b"v")
        assert await client.flush_all(server.address, noreply=True) is None
        await eventually(lambda: absent(client, b"key"))


async def test_thousands_without_reply_all_arrive(server, key):
    async with client_on(server, timeout=20.0) as client:
        await asyncio.gather(*[client.set(key + b":%d" % number, b"%d" % number, noreply=True) for number in range(3000)])
        names = [key + b":%d" % number for number in range(3000)]

        async def all_there():
            return len(await client.get_many(names)) == 3000
        await eventually(all_there)


@pytest.mark.beyond
async def test_what_follows_an_error_to_noreply_is_still_right(server, key):
    """memcached#868: the reply of an error to a noreply command is taken for that of the next one."""
    async with client_on(server, max_connections=1, timeout=20.0) as client:
        await client.set(key, b"mine")
        for _ in range(20):
            await client.set(key + b":large", b"x" * (1024 * 1024), noreply=True)  # refused, and the server says so
            results = await asyncio.gather(*[client.get(key) for _ in range(5)], return_exceptions=True)
            for result in results:
                assert isinstance(result, asyncio.TimeoutError) or result.value == b"mine"


@pytest.mark.beyond
async def test_a_set_without_reply_then_a_get_of_it_sees_it(server, key):
    async with client_on(server) as client:
        for number in range(100):
            await client.set(key, b"%d" % number, noreply=True)
            assert (await client.get(key)).value == b"%d" % number

"""Commands of many keys: over several nodes, of any size, hits and misses."""
import asyncio

import pytest

import emcache
from clients import client_on


def names(key, count):
    return [key + b":%d" % number for number in range(count)]


async def fill(client, keys, flags=0):
    await asyncio.gather(*[client.set(name, b"v" + name, flags=flags) for name in keys])


async def test_get_many_is_a_dictionary_of_the_keys_found(cluster, key):
    keys = names(key, 30)
    async with client_on(*cluster) as client:
        await fill(client, keys[::2])
        found = await client.get_many(keys)
        assert type(found) is dict
        assert found == {name: emcache.Item(b"v" + name, None, None) for name in keys[::2]}


async def test_no_key_gives_an_empty_dictionary(cluster):
    async with client_on(*cluster) as client:
        for keys in ([], ()):
            assert await client.get_many(keys) == {}
            assert await client.gets_many(keys) == {}
            assert await client.gat_many(0, keys) == {}
            assert await client.gats_many(0, keys) == {}


async def test_nothing_found_gives_an_empty_dictionary(cluster, key):
    async with client_on(*cluster) as client:
        assert await client.get_many(names(key, 10)) == {}
        assert await client.gats_many(0, names(key, 10)) == {}


async def test_flags_and_cas_come_as_asked(cluster, key):
    keys = names(key, 20)
    async with client_on(*cluster) as client:
        await fill(client, keys, flags=11)
        plain, flagged = await client.get_many(keys), await client.get_many(keys, return_flags=True)
        assert all(item.flags is None and item.cas is None for item in plain.values())
        assert all(item.flags == 11 and item.cas is None for item in flagged.values())
        with_cas = await client.gets_many(keys)
        assert all(item.flags is None and item.cas > 0 for item in with_cas.values())
        with_both = await client.gets_many(keys, True)
        assert all(item.flags == 11 and item.cas > 0 for item in with_both.values())
        touched = await client.gat_many(0, keys, return_flags=True)
        assert all(item.flags == 11 and item.cas is None for item in touched.values())
        touched = await client.gats_many(0, keys)
        assert {name: item.cas for name, item in touched.items()} == {name: item.cas for name, item in with_cas.items()}


async def test_gat_many_sets_the_expiry_of_all(cluster, key):
    keys = names(key, 20)
    async with client_on(*cluster) as client:
        for command in (client.gat_many, client.gats_many):
            await fill(client, keys)
            assert len(await command(-1, keys)) == 20
            assert await client.get_many(keys) == {}


@pytest.mark.parametrize("kind", [list, tuple, set, frozenset, lambda keys: dict.fromkeys(keys).keys()], ids=["list", "tuple", "set", "frozenset", "keys"])
async def test_the_keys_may_come_in_any_collection(cluster, key, kind):
    keys = names(key, 10)
    async with client_on(*cluster) as client:
        await fill(client, keys)
        assert set(await client.get_many(kind(keys))) == set(keys)
        assert set(await client.gat_many(0, kind(keys))) == set(keys)


async def test_a_key_named_twice_is_found_once(cluster, key):
    async with client_on(*cluster) as client:
        await client.set(key, b"v")
        assert await client.get_many([key, key, key]) == {key: emcache.Item(b"v", None, None)}
        assert await client.get_many([key, key + b":miss", key]) == {key: emcache.Item(b"v", None, None)}


@pytest.mark.parametrize("count", [1, 2, 99, 100, 1000, 3000])
async def test_many_keys_over_three_nodes(cluster, key, count):
    keys = names(key, count)
    async with client_on(*cluster, timeout=20.0) as client:
        await fill(client, keys)
        found = await client.get_many(keys)
        assert len(found) == count
        assert all(found[name].value == b"v" + name for name in keys)


async def test_large_values_of_many_keys(server, key):
    keys = names(key, 40)
    async with client_on(server, timeout=20.0) as client:
        for number, name in enumerate(keys):
            await client.set(name, bytes([number]) * 60_000)
        found = await client.get_many(keys)
        assert all(found[name].value == bytes([number]) * 60_000 for number, name in enumerate(keys))


async def test_values_that_look_like_the_protocol(cluster, key):
    evil = [b"END\r\n", b"VALUE k 0 1\r\nx\r\nEND\r\n", b"ERROR\r\n", b"\r\n", b"SERVER_ERROR x\r\n", b"", b"\r\nEND"]
    async with client_on(*cluster) as client:
        for number, value in enumerate(evil):
            await client.set(key + b":%d" % number, value)
        found = await client.get_many(names(key, len(evil)))
        assert [found[key + b":%d" % number].value for number in range(len(evil))] == evil


async def test_bulk_calls_run_concurrently(cluster, key):
    keys = names(key, 300)
    async with client_on(*cluster, timeout=20.0) as client:
        await fill(client, keys)
        answers = await asyncio.gather(*[client.get_many(keys[first:first + 50]) for first in range(0, 250, 5)])
        for first, found in zip(range(0, 250, 5), answers):
            assert sorted(found) == sorted(keys[first:first + 50])


@pytest.mark.parametrize("bad", [b"", b"has space", b"x" * 251, b"new\nline"], ids=["empty", "space", "long", "newline"])
@pytest.mark.beyond
async def test_one_bad_key_refuses_the_call_and_sends_nothing(cluster, key, bad):
    async with client_on(*cluster) as client:
        await client.set(key, b"v")
        for call in (lambda keys: client.get_many(keys), lambda keys: client.gets_many(keys), lambda keys: client.gat_many(-1, keys),
                     lambda keys: client.gats_many(-1, keys)):
            with pytest.raises(ValueError):
                await call([key, bad])
        assert await client.get(key) is not None


@pytest.mark.beyond
async def test_ten_thousand_long_keys_do_not_deadlock(server, key):
    """dalli#776, php-memcached#429: both send buffers full."""
    keys = [key + b":%0200d" % number for number in range(10_000)]
    async with client_on(server, timeout=30.0) as client:
        assert await client.get_many(keys) == {}
        await client.set(keys[9_999], b"x" * 100_000)
        assert list(await client.get_many(keys)) == [keys[9_999]]


@pytest.mark.beyond
async def test_gat_many_splits_what_the_server_would_refuse(server, key):
    """A gat line above 2048 bytes makes the server close silently."""
    keys = [key + b":%0150d" % number for number in range(100)]
    async with client_on(server) as client:
        await fill(client, keys)
        assert len(await client.gat_many(100, keys)) == 100
        assert len(await client.gats_many(100, keys)) == 100

"""Each command of the documented API on a real server: what it returns, what it raises."""
import asyncio
import time

import pytest

import emcache
from clients import client_on


async def test_a_stored_value_is_returned_as_an_item(server, key):
    async with client_on(server) as client:
        assert await client.set(key, b"value") is None
        item = await client.get(key)
        assert isinstance(item, emcache.Item)
        assert item == emcache.Item(b"value", None, None)
        assert type(item.value) is bytes


async def test_a_miss_is_none(server, key):
    async with client_on(server) as client:
        assert await client.get(key) is None
        assert await client.gets(key) is None
        assert await client.gat(0, key) is None
        assert await client.gats(0, key) is None


async def test_flags_come_only_when_they_are_asked_for(server, key):
    async with client_on(server) as client:
        await client.set(key, b"v", flags=4242)
        assert (await client.get(key)).flags is None
        assert (await client.get(key, return_flags=True)).flags == 4242
        assert (await client.get(key, True)).flags == 4242
        assert (await client.gets(key, return_flags=True)).flags == 4242
        assert (await client.gat(0, key, return_flags=True)).flags == 4242
        assert (await client.gats(0, key, return_flags=True)).flags == 4242
        assert (await client.gats(0, key)).flags is None


async def test_a_flag_has_sixteen_bits_at_least(server, key):
    async with client_on(server) as client:
        await client.set(key, b"v", flags=2**16 - 1)
        assert (await client.get(key, return_flags=True)).flags == 2**16 - 1


async def test_cas_tokens_come_with_gets_and_gats_alone(server, key):
    async with client_on(server) as client:
        await client.set(key, b"v")
        token = (await client.gets(key)).cas
        assert isinstance(token, int) and token > 0
        assert (await client.get(key)).cas is None
        assert (await client.gat(0, key)).cas is None
        assert (await client.gats(0, key)).cas == token


async def test_cas_stores_when_nothing_changed_and_not_otherwise(server, key):
    async with client_on(server) as client:
        await client.set(key, b"one")
        token = (await client.gets(key)).cas
        assert await client.cas(key, b"two", token) is None
        assert (await client.get(key)).value == b"two"
        with pytest.raises(emcache.NotStoredStorageCommandError):
            await client.cas(key, b"three", token)
        assert (await client.get(key)).value == b"two"


async def test_cas_of_a_key_that_is_gone_is_a_storage_error_but_not_not_stored(server, key):
    async with client_on(server) as client:
        with pytest.raises(emcache.StorageCommandError) as caught:
            await client.cas(key, b"v", 1)
        assert not isinstance(caught.value, emcache.NotStoredStorageCommandError)


async def test_add_stores_a_new_key_alone(server, key):
    async with client_on(server) as client:
        assert await client.add(key, b"one", flags=7) is None
        with pytest.raises(emcache.NotStoredStorageCommandError):
            await client.add(key, b"two")
        assert await client.get(key, return_flags=True) == emcache.Item(b"one", 7, None)


async def test_replace_stores_a_known_key_alone(server, key):
    async with client_on(server) as client:
        with pytest.raises(emcache.NotStoredStorageCommandError):
            await client.replace(key, b"one")
        await client.set(key, b"one")
        assert await client.replace(key, b"two", flags=3) is None
        assert await client.get(key, return_flags=True) == emcache.Item(b"two", 3, None)


async def test_append_and_prepend_need_the_key(server, key):
    async with client_on(server) as client:
        for command in (client.append, client.prepend):
            with pytest.raises(emcache.NotStoredStorageCommandError):
                await command(key, b"x")
        await client.set(key, b"b", flags=9)
        assert await client.append(key, b"c") is None
        assert await client.prepend(key, b"a") is None
        assert await client.get(key, return_flags=True) == emcache.Item(b"abc", 9, None)


async def test_increment_and_decrement_return_the_new_number(server, key):
    async with client_on(server) as client:
        await client.set(key, b"10")
        assert await client.increment(key, 5) == 15
        assert await client.decrement(key, 1) == 14
        assert await client.decrement(key, 100) == 0
        assert await client.increment(key, 2**64 - 1) == 2**64 - 1


async def test_increment_wraps_and_a_padded_number_counts(server, key):
    async with client_on(server) as client:
        await client.set(key, b"100")
        assert await client.decrement(key, 1) == 99  # the server stores "99 "
        assert await client.increment(key, 1) == 100
        await client.set(key, b"%d" % (2**64 - 1))
        assert await client.increment(key, 1) == 0


async def test_increment_of_a_missing_key_is_not_found(server, key):
    async with client_on(server) as client:
        with pytest.raises(emcache.NotFoundCommandError):
            await client.increment(key, 1)
        with pytest.raises(emcache.NotFoundCommandError):
            await client.decrement(key, 1)


async def test_delete_deletes_and_then_is_not_found(server, key):
    async with client_on(server) as client:
        await client.set(key, b"v")
        assert await client.delete(key) is None
        assert await client.get(key) is None
        with pytest.raises(emcache.NotFoundCommandError):
            await client.delete(key)


async def test_touch_sets_the_expiry(server, key):
    async with client_on(server) as client:
        await client.set(key, b"v")
        assert await client.touch(key, 100) is None
        assert await client.get(key) is not None
        assert await client.touch(key, -1) is None
        assert await client.get(key) is None
        with pytest.raises(emcache.NotFoundCommandError):
            await client.touch(key, 100)


async def test_an_expiry_of_minus_one_is_now(server, key):
    async with client_on(server) as client:
        for command in (client.set, client.add):
            await command(key, b"v", exptime=-1)
            assert await client.get(key) is None


async def test_expiries_are_relative_or_absolute(server, key):
    async with client_on(server) as client:
        for exptime in (0, 1000, 30 * 24 * 3600, int(time.time()) + 1000, 2**31 - 1):
            await client.set(key, b"v", exptime=exptime)
            assert await client.get(key) is not None, exptime
        await client.set(key, b"v", exptime=int(time.time()) - 1000)
        assert await client.get(key) is None


async def test_gat_returns_the_value_and_sets_the_expiry(server, key):
    async with client_on(server) as client:
        await client.set(key, b"v")
        assert (await client.gat(-1, key)).value == b"v"
        assert await client.get(key) is None
        await client.set(key, b"v")
        assert (await client.gats(-1, key)).value == b"v"
        assert await client.get(key) is None


@pytest.mark.parametrize("size", [0, 1, 2, 100, 4095, 16 * 1024 - 1, 16 * 1024, 16 * 1024 + 1, 65536, 300_000, 1_000_000])
async def test_a_value_of_any_size_comes_back_as_it_went(server, key, size):
    value = bytes(i * 7 % 256 for i in range(min(size, 4096))) * (size // 4096 + 1)
    value = value[:size]
    async with client_on(server, timeout=20.0) as client:
        await client.set(key, value)
        assert (await client.get(key)).value == value


@pytest.mark.parametrize("key_", [b"k", b"x" * 250, "clé".encode(), bytes(range(0x21, 0x7f)), b"\x80\xff\xfe"], ids=["1", "250", "utf8", "ascii", "high"])
async def test_every_legal_key_works(server, key_):
    async with client_on(server) as client:
        await client.set(key_, b"v" + key_)
        assert (await client.get(key_)).value == b"v" + key_
        assert (await client.get_many([key_]))[key_].value == b"v" + key_
        await client.delete(key_)


async def test_version_is_a_text(server):
    async with client_on(server) as client:
        version = await client.version(server.address)
        assert isinstance(version, str)
        assert ("VERSION " + version).encode() == server.ask(b"version\r\n", b"\r\n").strip()


async def test_stats_is_a_dictionary_of_texts(server):
    async with client_on(server) as client:
        stats = await client.stats(server.address)
        assert stats["pid"] == str(server.process.pid)
        assert all(isinstance(name, str) and isinstance(value, str) for name, value in stats.items())
        settings = await client.stats(server.address, "settings")
        assert settings["item_size_max"] == str(1024 * 1024)
        assert "pid" not in settings


async def test_verbosity_is_accepted(start):
    server = start()
    async with client_on(server) as client:
        assert await client.verbosity(server.address, 1) is None
        assert await client.verbosity(server.address, 0, noreply=True) is None
        assert isinstance(await client.version(server.address), str)


async def test_cache_memlimit_takes_effect(start):
    server = start("-m", "64")
    async with client_on(server) as client:
        assert await client.cache_memlimit(server.address, 100) is None
        assert (await client.stats(server.address))["limit_maxbytes"] == str(100 * 1024 * 1024)


async def test_flush_all_empties_one_node_alone(start):
    first, second = start(), start()
    async with client_on(first, second) as client:
        for number in range(40):
            await client.set(b"key:%d" % number, b"v")
        left = sum(second.has(b"key:%d" % number) for number in range(40))
        assert 0 < left < 40
        assert await client.flush_all(first.address) is None
        assert len(await client.get_many([b"key:%d" % number for number in range(40)])) == left
        await client.flush_all(second.address, 1000)
        assert len(await client.get_many([b"key:%d" % number for number in range(40)])) == left


async def test_flush_all_takes_its_delay_by_name(start):
    server = start()
    async with client_on(server) as client:
        await client.set(b"key", b"v")
        await client.flush_all(server.address, delay=1000)
        assert await client.get(b"key") is not None
        await client.flush_all(memcached_host_address=server.address)
        assert await client.get(b"key") is None


async def test_administration_works_on_a_node_that_is_not_the_first(cluster):
    async with client_on(*cluster) as client:
        for server in cluster:
            assert (await client.stats(server.address))["pid"] == str(server.process.pid)
            again = emcache.MemcachedHostAddress(server.address.address, server.address.port)
            assert isinstance(await client.version(again), str)


async def test_arguments_may_be_given_by_name(server, key):
    async with client_on(server) as client:
        await client.set(key=key, value=b"1", flags=0, exptime=0, noreply=False)
        assert (await client.get(key=key, return_flags=False)).value == b"1"
        assert (await client.gats(exptime=0, key=key)).value == b"1"
        assert list(await client.get_many(keys=[key])) == [key]
        assert list(await client.gat_many(exptime=0, keys=[key])) == [key]
        token = (await client.gets(key=key)).cas
        await client.cas(key=key, value=b"2", cas=token)
        assert await client.increment(key=key, value=1) == 3
        await client.touch(key=key, exptime=0)
        await client.delete(key=key)


async def test_a_closed_client_raises_runtime_error_from_every_command(server, key):
    async with client_on(server) as client:
        assert client.closed is False
        await client.close()
        assert client.closed is True
        await client.close()  # a second time is nothing
        calls = [
            lambda: client.get(key), lambda: client.gets(key), lambda: client.get_many([key]), lambda: client.gets_many([key]),
            lambda: client.gat(0, key), lambda: client.gats(0, key), lambda: client.gat_many(0, [key]), lambda: client.gats_many(0, [key]),
            lambda: client.set(key, b""), lambda: client.add(key, b""), lambda: client.replace(key, b""), lambda: client.append(key, b""),
            lambda: client.prepend(key, b""), lambda: client.cas(key, b"", 1), lambda: client.increment(key, 1), lambda: client.decrement(key, 1),
            lambda: client.touch(key, 1), lambda: client.delete(key), lambda: client.flush_all(server.address), lambda: client.version(server.address),
            lambda: client.stats(server.address), lambda: client.verbosity(server.address, 1), lambda: client.cache_memlimit(server.address, 64),
        ]
        for call in calls:
            with pytest.raises(RuntimeError):
                await call()


async def test_commands_run_concurrently(cluster, key):
    async with client_on(*cluster) as client:
        async def one(number):
            mine = key + b":%d" % number
            await client.set(mine, b"%d" % number)
            assert (await client.get(mine)).value == b"%d" % number
            assert await client.increment(mine, 1) == number + 1
            await client.delete(mine)
            assert await client.get(mine) is None
        await asyncio.gather(*[one(number) for number in range(200)])




@pytest.mark.beyond
async def test_the_last_of_many_sets_started_in_order_wins(server, key):
    async with client_on(server) as client:
        for _ in range(5):
            *_, last = await asyncio.gather(*[client.set(key, b"%d" % number) for number in range(300)], client.get(key))
            assert last.value == b"299"


@pytest.mark.beyond
async def test_a_flag_has_thirty_two_bits(server, key):
    async with client_on(server) as client:
        await client.set(key, b"v", flags=2**32 - 1)
        assert (await client.get(key, return_flags=True)).flags == 2**32 - 1


@pytest.mark.beyond
@pytest.mark.parametrize("make", [bytearray, memoryview, lambda value: memoryview(b"x" + value + b"y")[1:-1]], ids=["bytearray", "memoryview", "slice"])
async def test_a_value_may_be_anything_like_bytes(server, key, make):
    async with client_on(server) as client:
        await client.set(key, make(b"value"))
        assert (await client.get(key)).value == b"value"
        await client.set(key, make(b"v" * 100_000))
        assert (await client.get(key)).value == b"v" * 100_000

"""set_many with flags and an expiry for each item: StoreItem beside plain values."""
import asyncio

import pytest

import emcache
from clients import client_on
from scripted import scripted

pytestmark = pytest.mark.beyond

BAD_FIELDS = [(dict(flags=2**32), ValueError, "flags"), (dict(flags=-1), ValueError, "flags"), (dict(flags="1"), TypeError, "flags"), (dict(flags=1.5), TypeError, "flags"),
              (dict(exptime=-2), ValueError, "exptime"), (dict(exptime=2**31), ValueError, "exptime"), (dict(exptime="1"), TypeError, "exptime"),
              (dict(exptime=1.5), TypeError, "exptime")]


async def stored(client, key):
    """What the server knows of an item: its value, flags and time to live."""
    result = await client.meta_get(key, want=["value", "flags", "ttl"])
    return result.value, result.flags, result.ttl


async def test_each_item_has_its_own_flags_and_expiry(cluster, key):
    async with client_on(*cluster) as client:
        items = {key + b":%d" % number: emcache.StoreItem(b"v%d" % number, flags=number, exptime=1000 * (number + 1)) for number in range(30)}
        assert await client.set_many(items) == dict.fromkeys(items, True)
        for number, name in enumerate(items):
            value, flags, ttl = await stored(client, name)
            assert (value, flags) == (b"v%d" % number, number) and 1000 * (number + 1) - 30 < ttl <= 1000 * (number + 1)


async def test_what_an_item_does_not_say_the_call_says(cluster, key):
    async with client_on(*cluster) as client:
        names = [key + b":%d" % number for number in range(6)]
        items = [b"plain", emcache.StoreItem(b"bare"), emcache.StoreItem(b"flags", flags=0), emcache.StoreItem(b"exptime", exptime=0), bytearray(b"array"),
                 emcache.StoreItem(memoryview(b"both"), 2**32 - 1, 5500)]
        assert all((await client.set_many(dict(zip(names, items)), flags=9, exptime=3500)).values())
        found = [await stored(client, name) for name in names]
        assert [(value, flags) for value, flags, _ in found] == [(b"plain", 9), (b"bare", 9), (b"flags", 0), (b"exptime", 9), (b"array", 9), (b"both", 2**32 - 1)]
        assert [ttl // 1000 if ttl >= 0 else ttl for _, _, ttl in found] == [3, 3, 3, -1, 3, 5]


async def test_an_item_that_expires_at_once_is_gone_and_the_others_are_not(server, key):
    async with client_on(server) as client:
        await client.set_many({key: b"kept", key + b":gone": emcache.StoreItem(b"v", exptime=-1)})
        assert await client.get_many([key, key + b":gone"]) == {key: emcache.Item(b"kept", None, None)}


async def test_without_an_answer_they_are_stored_all_the_same(server, key):
    async with client_on(server) as client:
        assert await client.set_many({key: emcache.StoreItem(b"v", flags=3)}, noreply=True) == {key: True}
        assert (await client.gets(key, return_flags=True)).flags == 3  # behind the write, on the same key


@pytest.mark.parametrize("fields, kind, word", BAD_FIELDS, ids=[str(fields) for fields, _, _ in BAD_FIELDS])
async def test_a_bad_field_of_one_item_refuses_the_call_at_once(server, key, fields, kind, word):
    async with client_on(server) as client:
        with pytest.raises(kind, match=word):
            client.set_many({key: b"v", key + b":bad": emcache.StoreItem(b"v", **fields)})
        assert await client.get(key) is None


async def test_a_value_within_an_item_is_checked_as_any_other(server, key):
    async with client_on(server) as client:
        for value in ("text", 1, None, emcache.Item(b"v", None, None), emcache.StoreItem(b"v"), (b"v", 1, 2), [b"v"]):
            with pytest.raises(TypeError):
                client.set_many({key: emcache.StoreItem(value)})
        for item in (emcache.Item(b"v", 1, None), (b"v", 1, 2), None, 1, "text"):
            with pytest.raises(TypeError):
                client.set_many({key: item})
        for broken in ((), (b"v",), (b"v", 1, 2, 3)):
            with pytest.raises(TypeError, match="StoreItem"):
                client.set_many({key: tuple.__new__(emcache.StoreItem, broken)})
        assert await client.get(key) is None


async def test_large_values_within_items(start, key):
    async with client_on(start("-m", "64"), timeout=20.0) as client:
        items = {key + b":%d" % number: emcache.StoreItem(bytes([number]) * 100_000, flags=number) for number in range(20)}
        assert all((await client.set_many(items)).values())
        found = await client.get_many(items, return_flags=True)
        assert {name: (item.value, item.flags) for name, item in found.items()} == {name: (item.value, item.flags) for name, item in items.items()}


async def test_the_mapping_may_change_while_the_call_is_under_way(server, key):
    async with client_on(server) as client:
        items = {key: emcache.StoreItem(bytearray(b"before"), flags=1)}
        call = client.set_many(items)
        items[key].value[:] = b"after!"
        items.clear()
        assert await call == {key: True}
        assert await client.get(key, return_flags=True) == emcache.Item(b"before", 1, None)


async def test_a_mapping_whose_items_raise_is_heard(server):
    class Mapping(dict):
        def items(self):
            raise KeyError("from the mapping")

    async with client_on(server) as client:
        with pytest.raises(KeyError, match="from the mapping"):
            client.set_many(Mapping({b"k": b"v"}))


async def test_it_is_cancelled_as_any_command(key):
    async def quiet(talk):
        while await talk.line() is not None:
            pass

    async with scripted(quiet) as place, client_on(place, timeout=None) as client:
        task = asyncio.ensure_future(client.set_many({key: emcache.StoreItem(b"v" * 100_000, flags=1)}))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_a_closed_client_raises(server, key):
    async with client_on(server) as client:
        pass
    with pytest.raises(RuntimeError, match="closed"):
        await client.set_many({key: emcache.StoreItem(b"v", flags=1)})


def test_a_store_item_is_a_tuple_with_names():
    item = emcache.StoreItem(b"v")
    assert item == (b"v", None, None) and item._replace(flags=2) == emcache.StoreItem(b"v", flags=2)
    with pytest.raises(TypeError):
        emcache.StoreItem()
    with pytest.raises(TypeError):
        emcache.StoreItem(b"v", cas=1)

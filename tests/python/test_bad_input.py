"""Bad input: a clear exception at the call each, never a crash, and nothing reaches the server."""
import asyncio
import collections
import gc
import types

import pytest

import emcache
from clients import client_on
from running import ticks

BAD_KEYS = {"space": b"a b", "newline": b"a\nb", "return": b"a\r\nb", "tab": b"a\tb", "nul": b"a\0b", "injection": b"k 0 0 1\r\nx\r\nset other", "delete": b"a\x7fb"}
LONG = b"x" * 251


def with_key(client, key):
    return [lambda: client.get(key), lambda: client.gets(key), lambda: client.get_many([key]), lambda: client.gets_many([key]), lambda: client.gat(0, key),
            lambda: client.gats(0, key), lambda: client.gat_many(0, [key]), lambda: client.gats_many(0, [key]), lambda: client.set(key, b"v"),
            lambda: client.add(key, b"v"), lambda: client.replace(key, b"v"), lambda: client.append(key, b"v"), lambda: client.prepend(key, b"v"),
            lambda: client.cas(key, b"v", 1), lambda: client.increment(key, 1), lambda: client.decrement(key, 1), lambda: client.touch(key, 1),
            lambda: client.delete(key)]


@pytest.mark.parametrize("bad", ["space", "newline", "return", "injection"])
async def test_a_key_with_what_the_protocol_uses_is_a_value_error(server, bad):
    """CVE-2022-26635, pylibmc#282."""
    async with client_on(server) as client:
        for call in with_key(client, BAD_KEYS[bad]):
            with pytest.raises(ValueError):
                await call()
        assert not server.has(b"other")


@pytest.mark.beyond
@pytest.mark.parametrize("bad", [b"", LONG, *[BAD_KEYS[name] for name in ("tab", "nul", "delete")]], ids=["empty", "long", "tab", "nul", "delete"])
async def test_a_key_the_server_refuses_or_splits_is_a_value_error(server, bad):
    async with client_on(server) as client:
        for call in with_key(client, bad):
            with pytest.raises(ValueError, match="(?i)key"):
                await call()


@pytest.mark.beyond
@pytest.mark.parametrize("bad", ["text", 1, None, [b"k"], memoryview(b"key")], ids=["str", "int", "None", "list", "memoryview"])
async def test_a_key_that_is_not_bytes_is_a_type_error(server, bad):
    async with client_on(server) as client:
        for call in with_key(client, bad):
            with pytest.raises(TypeError):
                await call()


async def test_a_text_is_no_key(server):
    async with client_on(server) as client:
        for call in with_key(client, "text"):
            with pytest.raises((TypeError, ValueError)):
                await call()


@pytest.mark.beyond
@pytest.mark.parametrize("bad", ["text", 1, None, [b"v"], 1.5], ids=["str", "int", "None", "list", "float"])
async def test_a_value_that_is_not_like_bytes_is_a_type_error(server, key, bad):
    async with client_on(server) as client:
        for call in (lambda: client.set(key, bad), lambda: client.add(key, bad), lambda: client.append(key, bad), lambda: client.cas(key, bad, 1),
                     lambda: client.set(key, bad, noreply=True)):
            with pytest.raises(TypeError):
                await call()
        assert await client.get(key) is None


async def test_flags_beyond_thirty_two_bits_are_a_value_error(server, key):
    async with client_on(server) as client:
        for command in (client.set, client.add, client.replace):
            for flags in (2**32, 2**64, 2**100):
                with pytest.raises(ValueError):
                    await command(key, b"v", flags=flags)
        with pytest.raises(ValueError):
            await client.cas(key, b"v", 1, flags=2**32)
        assert await client.get(key) is None


@pytest.mark.beyond
@pytest.mark.parametrize("flags", [-1, -2**40])
async def test_negative_flags_are_a_value_error(server, key, flags):
    """The original sends them, and the server takes the value for commands."""
    async with client_on(server) as client:
        with pytest.raises(ValueError, match="flags"):
            await client.set(key, b"flush_all\r\n", flags=flags)


@pytest.mark.beyond
@pytest.mark.parametrize("exptime", [-2, -100, 2**31, 2**32 + 100, 2**63, 2**70])
async def test_an_expiry_the_server_would_misread_is_a_value_error(server, key, exptime):
    async with client_on(server) as client:
        await client.set(key, b"v")
        for call in (lambda: client.set(key, b"v", exptime=exptime), lambda: client.add(key, b"v", exptime=exptime), lambda: client.touch(key, exptime),
                     lambda: client.cas(key, b"v", 1, exptime=exptime), lambda: client.gat(exptime, key), lambda: client.gats(exptime, key),
                     lambda: client.gat_many(exptime, [key])):
            with pytest.raises(ValueError, match="exptime"):
                await call()
        assert (await client.get(key)).value == b"v"


@pytest.mark.parametrize("delta", [-1, -2**70])
async def test_a_negative_delta_is_a_value_error(server, key, delta):
    async with client_on(server) as client:
        await client.set(key, b"1")
        for command in (client.increment, client.decrement):
            with pytest.raises(ValueError):
                await command(key, delta)


@pytest.mark.beyond
async def test_a_delta_beyond_sixty_four_bits_is_a_value_error(server, key):
    async with client_on(server) as client:
        await client.set(key, b"1")
        for command in (client.increment, client.decrement):
            with pytest.raises(ValueError):
                await command(key, 2**64)
        assert await client.increment(key, 2**64 - 2) == 2**64 - 1


@pytest.mark.beyond
async def test_a_cas_token_of_zero_or_out_of_range(server, key):
    """cas=0 in the original leaves the token out: the server takes the value for commands."""
    async with client_on(server) as client:
        await client.set(key, b"v")
        for cas in (-1, 2**64, 2**70):
            with pytest.raises(ValueError):
                await client.cas(key, b"w", cas)
        with pytest.raises((ValueError, emcache.StorageCommandError)):
            await client.cas(key, b"flush_all\r\n", 0)
        assert (await client.get(key)).value == b"v"


@pytest.mark.beyond
async def test_numbers_of_a_wrong_type_are_type_errors(server, key):
    async with client_on(server) as client:
        for call in (lambda: client.set(key, b"v", flags="1"), lambda: client.set(key, b"v", flags=1.5), lambda: client.set(key, b"v", exptime=None),
                     lambda: client.set(key, b"v", exptime=1.5), lambda: client.touch(key, "1"), lambda: client.touch(key, 1.5), lambda: client.increment(key, "1"),
                     lambda: client.increment(key, 1.5), lambda: client.cas(key, b"v", "1"), lambda: client.cas(key, b"v", None), lambda: client.gat("0", key),
                     lambda: client.verbosity(server.address, "1"), lambda: client.flush_all(server.address, "1"), lambda: client.cache_memlimit(server.address, "64"),
                     lambda: client.version("127.0.0.1"), lambda: client.version(None), lambda: client.stats(server.address, 1)):
            with pytest.raises((TypeError, ValueError)):
                await call()
        assert await client.get(key) is None


async def test_a_wrong_number_of_arguments_is_a_type_error(server, key):
    async with client_on(server) as client:
        for call in (lambda: client.get(), lambda: client.get(key, True, 1), lambda: client.set(key), lambda: client.set(key, b"v", 1), lambda: client.get(key=key, nothing=1),
                     lambda: client.set(key, b"v", ttl=1), lambda: client.append(key, b"v", flags=1), lambda: client.cas(key, b"v"), lambda: client.gat(key), lambda: client.touch(key),
                     lambda: client.delete(key, True), lambda: client.increment(key), lambda: client.get_many(), lambda: client.get(key, key=key), lambda: client.version()):
            with pytest.raises(TypeError):
                await call()


@pytest.mark.beyond
async def test_an_argument_is_refused_at_the_call_already(server, key):
    """Before anything is awaited: the traceback shows the line with the mistake."""
    async with client_on(server) as client:
        with pytest.raises(TypeError):
            client.get("text")
        with pytest.raises(ValueError):
            client.get(b"")
        with pytest.raises(ValueError):
            client.set(key, b"v", flags=2**32)
        with pytest.raises(ValueError):
            client.set(key, b"v", exptime=-2)


@pytest.mark.beyond
@pytest.mark.parametrize("keys", [5, None, b"bytes", "text", [b"k", "text"], [b"k", None]], ids=["int", "None", "bytes", "str", "str inside", "None inside"])
async def test_many_keys_of_a_wrong_kind_are_type_errors(server, keys):
    async with client_on(server) as client:
        for call in (lambda: client.get_many(keys), lambda: client.gets_many(keys), lambda: client.gat_many(0, keys), lambda: client.gats_many(0, keys)):
            with pytest.raises(TypeError):
                await call()


@pytest.mark.beyond
async def test_a_keys_argument_that_raises_passes_its_exception_on(server):
    def keys():
        yield b"k"
        raise KeyError("from the generator")

    async with client_on(server) as client:
        with pytest.raises((KeyError, TypeError)):
            await client.get_many(keys())


@pytest.mark.beyond
async def test_a_list_of_keys_changed_while_in_use(cluster, key):
    async with client_on(*cluster) as client:
        keys = [key + b":%d" % number for number in range(200)]
        for name in keys:
            await client.set(name, name, noreply=True)
        asked = list(keys)
        task = asyncio.ensure_future(client.get_many(asked))
        await ticks(1)
        asked.clear()
        gc.collect()
        assert set(await task) <= set(keys)


@pytest.mark.beyond
@pytest.mark.parametrize("size", [100, 20_000, 900_000])
async def test_a_bytearray_resized_while_in_use(server, key, size):
    """It is copied, or it refuses to be resized (BufferError); it never becomes something else's memory."""
    async with client_on(server, timeout=20.0) as client:
        value = bytearray(b"x" * size)
        task = asyncio.ensure_future(client.set(key, value))
        await ticks(1)
        refused = False
        try:
            value.extend(b"y" * 1_000_000)
            value.clear()
        except BufferError:
            refused = True
        junk = [bytearray(b"z" * size) for _ in range(10)]
        await task
        stored = (await client.get(key)).value
        assert stored == b"x" * size, refused
        value.extend(b"free again")
        del junk


@pytest.mark.beyond
async def test_a_memoryview_that_is_not_contiguous_is_refused(server, key):
    async with client_on(server) as client:
        with pytest.raises((BufferError, TypeError, ValueError)):
            await client.set(key, memoryview(b"abcdef")[::2])


@pytest.mark.beyond
async def test_bytes_that_derive_from_bytes_are_bytes(server, key):
    class Mine(bytes):
        def __len__(self):
            return 10**9

        def __hash__(self):
            raise RuntimeError("hash")

    async with client_on(server) as client:
        await client.set(bytes(key), Mine(b"v"))
        assert (await client.get(key)).value == b"v"


@pytest.mark.beyond
@pytest.mark.parametrize("nodes", [5, None, "localhost", ["localhost"], [("localhost", 11211)], [None]], ids=["int", "None", "str", "strs", "pairs", "Nones"])
async def test_nodes_of_a_wrong_kind_are_refused(nodes):
    with pytest.raises((TypeError, ValueError)):
        await emcache.create_client(nodes)


@pytest.mark.beyond
@pytest.mark.parametrize("address", [emcache.MemcachedHostAddress("", 11211), emcache.MemcachedHostAddress("localhost", 0), emcache.MemcachedHostAddress("localhost", 65536),
                                     emcache.MemcachedHostAddress("localhost", -1), emcache.MemcachedHostAddress("localhost", "11211"),
                                     emcache.MemcachedHostAddress(None, 11211), emcache.MemcachedHostAddress("local\0host", 1),
                                     emcache.MemcachedUnixSocketPath(""), emcache.MemcachedUnixSocketPath("/" + "x" * 200), emcache.MemcachedUnixSocketPath(None),
                                     emcache.MemcachedUnixSocketPath("/a\0b")], ids=repr)
async def test_an_address_that_can_not_be_is_refused(address):
    with pytest.raises((TypeError, ValueError)):
        await emcache.create_client([address])


@pytest.mark.beyond
@pytest.mark.parametrize("options", [{"max_connections": "2"}, {"connection_timeout": -1.0}, {"purge_unused_connections_after": -1.0},
                                     {"autobatching_max_keys": 0}, {"ssl": True, "ssl_extra_ca": "/none/at/all.pem"}, {"username": 1, "password": "x"},
                                     {"cluster_events": object()}, {"autodiscovery": True, "autodiscovery_poll_interval": -1.0},
                                     {"connection_timeout": float("inf"), "timeout": "x"}, {"username": "a b", "password": "x"}, {"timeout": 10**400}], ids=str)
async def test_an_option_that_makes_no_sense_is_refused(server, options):
    with pytest.raises((TypeError, ValueError, OSError, OverflowError)):
        await emcache.create_client([server.address], **options)


@pytest.mark.beyond
async def test_words_name_the_argument_and_what_is_needed(server):
    class Events(emcache.ClusterEvents):
        async def on_node_healthy(self, cluster_managment, host):
            pass

        async def on_node_unhealthy(self, cluster_managment, host):
            pass

    with pytest.raises(TypeError, match="node_addresses: a list of addresses"):
        await emcache.create_client(server.address)
    with pytest.raises(TypeError, match="cluster_events: an instance .* class Events"):
        await emcache.create_client([server.address], cluster_events=Events)
    async with client_on(server) as client:
        with pytest.raises(ValueError, match=r"keys\[1\]: byte 0x20"):
            await client.get_many([b"good", b"a b"])


#: Where a number is wrong: what no double holds, and what Python gives no text for (more than 4,300 digits, from 3.11 on).
ENDLESS = (10**400, 10**5000, -10**5000)
OPTIONS_WITH_RANGES = ("timeout", "connection_timeout", "purge_unused_connections_after", "busy_poll", "min_connections", "gutter_exptime", "deletes_replayed_max",
                       "autobatching_max_keys", "autodiscovery_poll_interval", "autodiscovery_timeout", "autodiscovery_start_timeout")


@pytest.mark.beyond
@pytest.mark.parametrize("name", OPTIONS_WITH_RANGES)
async def test_an_option_without_bounds_is_refused_by_its_name(server, name):
    for value in ENDLESS:
        if name == "autobatching_max_keys" and value > 0:
            continue  # any more than 1,000 count as 1,000
        with pytest.raises(ValueError, match=f"^{name}: .{{,200}}$"):
            await emcache.create_client([server.address], autodiscovery=name.startswith("autodiscovery"), **{name: value})


@pytest.mark.beyond
async def test_words_name_the_limit(server):
    for options, words in (({"busy_poll": 10**400}, "busy_poll: too many seconds; it is 0 to 0.001"), ({"busy_poll": 0.5}, "busy_poll: 0.5; it is 0 to 0.001 seconds"),
                           ({"timeout": -1}, "timeout: -1; it is more than 0 seconds"), ({"max_connections": 0}, "max_connections: 0; it is at least 1"),
                           ({"autodiscovery": True, "autodiscovery_poll_interval": 1e10}, "autodiscovery_poll_interval: 10000000000.0; it is more than 0 and at most 2147483 seconds"),
                           ({"ssl": True, "ssl_version_min": "1.1"}, "ssl_version_min: '1.1'; it is '1.2' or '1.3'"),
                           ({"key_prefix": "\ud800"}, "key_prefix: a lone surrogate, which has no UTF-8")):
        with pytest.raises(ValueError) as caught:
            await emcache.create_client([server.address], **options)
        assert str(caught.value) == words


@pytest.mark.beyond
async def test_words_of_commands_name_the_argument(server, key):
    other = emcache.MemcachedHostAddress("127.0.0.1", 70000)
    async with client_on(server) as client:
        view = client.cluster_management()
        for call, error, words in (
                (lambda: client.set(key, b"v", exptime=10**5000), ValueError, "exptime: it is -1 to 2147483647"),
                (lambda: client.set(key, b"v", flags=-1), ValueError, "flags: -1; it is 0 to 4294967295"),
                (lambda: client.set(key, memoryview(b"abcd")[::2]), BufferError, "value: bytes that lie side by side are needed, not such a memoryview"),
                (lambda: client.get(key, timeout=10**400), ValueError, "timeout: too many seconds; without a limit it is math.inf"),
                (lambda: client.get_many(None), TypeError, "keys: an iterable is needed, not NoneType"),
                (lambda: client.set_many({key: 5}), TypeError, "items: a value is a bytes-like object or a StoreItem, not int"),
                (lambda: client.meta_get(key, want=5), TypeError, "want: an iterable is needed, not int"),
                (lambda: client.stats(server.address, b"items"), TypeError, "args: a str is needed, not bytes"),
                (lambda: client.version("h:1"), TypeError, "memcached_host_address: a MemcachedHostAddress or MemcachedUnixSocketPath is needed, not str"),
                (lambda: view.add_node(other), ValueError, "port: 70000; it is 1 to 65535"),
                (lambda: view.add_node("h:1"), TypeError, "host: a MemcachedHostAddress or MemcachedUnixSocketPath is needed, not str"),
                (lambda: view.replace_nodes([server.address, None]), TypeError, r"nodes[1]: a MemcachedHostAddress or MemcachedUnixSocketPath is needed, not NoneType")):
            with pytest.raises(error) as caught:
                call()
            assert str(caught.value) == words


@pytest.mark.beyond
@pytest.mark.parametrize("kind", [dict, collections.UserDict, types.MappingProxyType, collections.ChainMap], ids=lambda kind: kind.__name__)
async def test_any_mapping_is_one(cluster, key, kind):
    async with client_on(cluster[0]) as client:
        assert await client.set_many(kind({key: b"v"})) == {key: True}
        view = client.cluster_management()
        view.replace_nodes(kind({one.address: 50 + number for number, one in enumerate(cluster)}))
        assert [state.weight for state in view.node_states().values()] == [50, 51, 52]


@pytest.mark.beyond
async def test_a_node_named_twice_is_refused(server):
    with pytest.raises(ValueError):
        await emcache.create_client([server.address, server.address])


@pytest.mark.beyond
async def test_the_machinery_can_not_be_made_by_hand_nor_broken(server, key):
    async with client_on(server) as client:
        with pytest.raises(TypeError):
            type(client)()
        command = client.get(key)
        with pytest.raises(TypeError):
            type(command)()
        with pytest.raises((AttributeError, TypeError)):
            del client.closed
        await command
        gc.collect()
        assert await client.get(key) is None

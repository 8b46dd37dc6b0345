"""What every command takes beyond emcache 1.3: a timeout and a routing key of its own; and the commands that emcache has not: mn, me, administer, quit."""
import asyncio
import math

import pytest

import emcache
from clients import client_on
from running import eventually, ticks
from scripted import scripted

pytestmark = pytest.mark.beyond


def on_keys(client, key, **options):
    """A call of every command on keys, by its name."""
    def lease():
        return emcache.FetchResult(None, None, True, False, False, 1)

    return {"get": lambda: client.get(key, **options), "gets": lambda: client.gets(key, **options), "gat": lambda: client.gat(0, key, **options),
            "gats": lambda: client.gats(0, key, **options), "get_many": lambda: client.get_many([key], **options), "gets_many": lambda: client.gets_many([key], **options),
            "gat_many": lambda: client.gat_many(0, [key], **options), "gats_many": lambda: client.gats_many(0, [key], **options),
            "set": lambda: client.set(key, b"v", **options), "add": lambda: client.add(key, b"v", **options), "replace": lambda: client.replace(key, b"v", **options),
            "append": lambda: client.append(key, b"v", **options), "prepend": lambda: client.prepend(key, b"v", **options),
            "cas": lambda: client.cas(key, b"v", 1, **options), "increment": lambda: client.increment(key, 1, **options),
            "decrement": lambda: client.decrement(key, 1, **options), "touch": lambda: client.touch(key, 1, **options), "delete": lambda: client.delete(key, **options),
            "set_many": lambda: client.set_many({key: b"v"}, **options), "delete_many": lambda: client.delete_many([key], **options),
            "meta_get": lambda: client.meta_get(key, **options), "meta_set": lambda: client.meta_set(key, b"v", **options),
            "meta_delete": lambda: client.meta_delete(key, **options), "meta_arithmetic": lambda: client.meta_arithmetic(key, **options),
            "meta_debug": lambda: client.meta_debug(key, **options), "fetch": lambda: client.fetch(key, 30, **options),
            "fill": lambda: client.fill(key, b"v", lease(), **options), "give_up": lambda: client.give_up(key, lease(), **options),
            "invalidate": lambda: client.invalidate(key, 30, **options), "count": lambda: client.count(key, **options)}


def on_nodes(client, address, **options):
    return {"version": lambda: client.version(address, **options), "stats": lambda: client.stats(address, "settings", **options),
            "flush_all": lambda: client.flush_all(address, 1, **options), "verbosity": lambda: client.verbosity(address, 1, **options),
            "cache_memlimit": lambda: client.cache_memlimit(address, 64, **options), "dump_keys": lambda: client.dump_keys(address, **options),
            "administer": lambda: client.administer(address, "slabs automove 1", **options), "quit": lambda: client.quit(address, **options),
            "meta_noop": lambda: client.meta_noop(address, **options)}


NOWHERE = emcache.MemcachedHostAddress("localhost", 1)
BULK_STATUS = ("set_many", "delete_many")


async def quiet(talk):
    """Answers `version` alone: healthy, and silent otherwise."""
    while await talk.line() is not None:
        pass


# ---------------------------------------------------------------------------------------------------- a timeout of its own


@pytest.mark.parametrize("name", sorted(set(on_keys(None, b"k")) - set(BULK_STATUS)) + sorted(on_nodes(None, NOWHERE)))
async def test_a_timeout_of_its_own_ends_a_command_of_a_patient_client(name):
    async with scripted(quiet) as place, client_on(place, timeout=None) as client:
        await client.version(place.address)
        call = {**on_keys(client, b"k", timeout=0.05), **on_nodes(client, place.address, timeout=0.05)}[name]
        if name == "version":  # the scripted server answers it
            assert await call() == "1.6.18"
            return
        begin = asyncio.get_running_loop().time()
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(asyncio.shield(asyncio.ensure_future(call())), 20)
        assert asyncio.get_running_loop().time() - begin < 10


@pytest.mark.parametrize("name", BULK_STATUS)
async def test_a_timeout_of_a_bulk_call_is_the_status_of_its_keys(name):
    async with scripted(quiet) as place, client_on(place, timeout=None) as client:
        status = await on_keys(client, b"k", timeout=0.05)[name]()
        assert isinstance(status[b"k"], asyncio.TimeoutError)


async def test_a_timeout_of_its_own_outlasts_the_clients():
    async def late(talk):
        while await talk.line():
            await asyncio.sleep(0.4)
            talk.send(b"VALUE k 0 4\r\nlate\r\nEND\r\n")
    async with scripted(late) as place, client_on(place, timeout=0.1) as client:
        for timeout in (math.inf, 30, 1e9):
            assert (await client.get(b"k", timeout=timeout)).value == b"late"
        with pytest.raises(asyncio.TimeoutError):
            await client.get(b"k", timeout=None)


@pytest.mark.parametrize("bad, error", [(0, ValueError), (-1.0, ValueError), (math.nan, ValueError), (-math.inf, ValueError), (10**400, ValueError), ("1", TypeError),
                                        (b"1", TypeError), ([1], TypeError), (asyncio.TimeoutError, TypeError)], ids=repr)
async def test_a_timeout_that_can_not_be_is_refused_at_the_call_by_its_name(server, bad, error):
    async with client_on(server) as client:
        for call in {**on_keys(client, b"k", timeout=bad), **on_nodes(client, server.address, timeout=bad)}.values():
            with pytest.raises(error, match="timeout"):
                call()


async def test_a_timeout_whose_float_raises_passes_that_on(server):
    class Odd:
        def __float__(self):
            raise KeyError("odd")
    async with client_on(server) as client:
        with pytest.raises(KeyError):
            client.get(b"k", timeout=Odd())


async def test_those_in_line_for_room_keep_their_own_timeouts():
    async with scripted(quiet) as place, client_on(place, timeout=30.0, engine_options={"operations_max": 1}) as client:
        first = asyncio.ensure_future(client.get(b"first", timeout=math.inf))
        patient = asyncio.ensure_future(client.get(b"patient"))
        forever = asyncio.ensure_future(client.get(b"forever", timeout=math.inf))
        hasty = [asyncio.ensure_future(client.get(b"hasty", timeout=0.05 * (3 - number))) for number in range(3)]
        begin = asyncio.get_running_loop().time()
        results = await asyncio.gather(*hasty, return_exceptions=True)
        assert all(isinstance(result, asyncio.TimeoutError) and "room" in str(result) for result in results), results
        assert asyncio.get_running_loop().time() - begin < 10
        assert not (first.done() or patient.done() or forever.done()) and client.pending == 3
    assert all(isinstance(result, RuntimeError) for result in await asyncio.gather(first, patient, forever, return_exceptions=True))


async def test_the_line_keeps_time_after_it_was_emptied_by_cancellation():
    """The timer of one that was cancelled has fired: the next in line is timed all the same."""
    async with scripted(quiet) as place, client_on(place, timeout=0.1, engine_options={"operations_max": 1}) as client:
        first = asyncio.ensure_future(client.get(b"first", timeout=math.inf))
        waiting = asyncio.ensure_future(client.get(b"cancelled"))
        await ticks()
        waiting.cancel()
        await asyncio.sleep(0.2)
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(asyncio.shield(asyncio.ensure_future(client.get(b"next"))), 20)
        assert not first.done()
        first.cancel()
        await asyncio.gather(first, waiting, return_exceptions=True)


async def test_one_that_waited_for_room_takes_the_rest_of_its_own_timeout():
    async def once(talk):
        while (line := await talk.line()) is not None:
            if line == b"get first":
                await asyncio.sleep(0.2)
                talk.send(b"END\r\n")
    async with scripted(once) as place, client_on(place, timeout=0.05, engine_options={"operations_max": 1}) as client:
        first = asyncio.ensure_future(client.get(b"first", timeout=30))
        await ticks()
        begin = asyncio.get_running_loop().time()
        with pytest.raises(asyncio.TimeoutError):
            await client.get(b"second", timeout=0.5)
        assert 0.4 < asyncio.get_running_loop().time() - begin < 10
        assert await first is None


# ---------------------------------------------------------------------------------------------------- a routing key


def tag_for(client, address, number=0):
    """A routing key that leads to this node."""
    management = client.cluster_management()
    return next(tag for tag in (b"tag:%d" % one for one in range(number, number + 1000)) if management.node_for_key(tag) == address)


async def test_what_has_a_routing_key_lies_together(cluster, key):
    async with client_on(*cluster) as client:
        for server in cluster:
            tag = tag_for(client, server.address)
            names = [key + b":%d" % number for number in range(20)]
            assert set((await client.set_many(dict.fromkeys(names, b"v"), routing_key=tag)).values()) == {True}
            assert all(server.has(name) for name in names)
            assert len(await client.get_many(names, routing_key=tag)) == 20
            assert set((await client.delete_many(names, routing_key=tag)).values()) == {True}


@pytest.mark.parametrize("name", sorted(on_keys(None, b"k")))
async def test_every_command_on_a_key_goes_where_its_routing_key_says(name):
    """Two nodes that answer nothing: the line arrives at the node of the routing key, on which the tag never appears."""
    heard = {}

    async def note(talk):
        while (line := await talk.line()) is not None:
            heard.setdefault(talk.writer.get_extra_info("sockname")[1], []).append(line)
    async with scripted(note) as one, scripted(note) as two, client_on(one, two, timeout=20.0) as client:
        for place in (one, two):
            heard.clear()
            task = asyncio.ensure_future(on_keys(client, b"k", routing_key=tag_for(client, place.address))[name]())
            await eventually(lambda: heard)
            assert set(heard) == {place.address.port} and b"tag" not in b"".join(heard[place.address.port])
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def test_a_routing_key_of_any_bytes(cluster, key):
    async with client_on(*cluster) as client:
        for tag in (b"", b"with space\r\n\0", b"x" * 5000):
            await client.set(key, tag[:10], routing_key=tag)
            assert (await client.get(key, routing_key=tag)).value == tag[:10]
        await client.set(key, b"plain", routing_key=None)
        assert (await client.get(key)).value == b"plain"


@pytest.mark.parametrize("bad", ["tag", 1, bytearray(b"tag"), ["tag"]], ids=repr)
async def test_a_routing_key_that_is_not_bytes_is_refused_at_the_call(server, bad):
    async with client_on(server) as client:
        for call in on_keys(client, b"k", routing_key=bad).values():
            with pytest.raises(TypeError, match="routing_key"):
                call()


async def test_a_command_to_a_node_takes_no_routing_key(server):
    async with client_on(server) as client:
        for call in on_nodes(client, server.address, routing_key=b"tag").values():
            with pytest.raises(TypeError, match="routing_key"):
                call()


async def test_the_options_are_by_name_alone(server):
    async with client_on(server) as client:
        for call in (lambda: client.get(b"k", False, 1.0), lambda: client.version(server.address, 1.0), lambda: client.set(b"k", b"v", 1.0)):
            with pytest.raises(TypeError):
                call()


# ---------------------------------------------------------------------------------------------------- commands to a node, and me


async def test_a_noop_is_answered(server):
    async with client_on(server) as client:
        assert await client.meta_noop(server.address) is None
        with pytest.raises(ValueError):
            await client.meta_noop(NOWHERE)


async def test_what_a_server_knows_of_an_item(server, key):
    async with client_on(server) as client:
        await client.set(key, b"value")
        known = dict(word.split("=") for word in (await client.meta_debug(key)).split())
        assert known["exp"] == "-1" and known["fetch"] == "no" and int(known["size"]) > 5
        assert await client.meta_debug(key + b":none") is None


async def test_what_a_server_knows_of_a_binary_key(server, key):
    async with client_on(server) as client:
        name = key + b" \0\xff"
        await client.meta_set(name, b"v", binary_key=True)
        known = await client.meta_debug(name)
        if known is None:  # memcached 1.6.45 takes no notice of the b of `me`; 1.6.38 does
            version = await client.version(server.address)
            assert tuple(map(int, version.split("."))) > (1, 6, 38)
        else:
            assert "size=" in known
        for bad in (b"", b" " * 187, b"x" * 251):
            with pytest.raises(ValueError, match="key"):
                client.meta_debug(bad)
        with pytest.raises(TypeError, match="key"):
            client.meta_debug("text")


async def test_an_administrators_command(start):
    server = start()
    async with client_on(server) as client:
        assert await client.administer(server.address, "slabs automove 0") is None
        assert (await client.stats(server.address, "settings"))["slab_automove"] == "0"
        with pytest.raises(emcache.CommandError):
            await client.administer(server.address, "slabs reassign 200 201")


async def test_an_administrators_command_is_none_of_the_others(server, key):
    async with client_on(server) as client:
        for bad in ("", "x" * 1001, "slabs automove 1\r\nflush_all", "slabs automove 1\nflush_all"):
            with pytest.raises(ValueError, match="command"):
                client.administer(server.address, bad)
        for bad in (b"slabs automove 1", None, 1, ["slabs"]):
            with pytest.raises(TypeError, match="command"):
                client.administer(server.address, bad)
        await client.set(key, b"v")
        for bad in ("flush_all", "shutdown", "get x"):
            with pytest.raises(ValueError):
                await client.administer(server.address, bad)
        assert (await client.get(key)).value == b"v"


async def test_quit_closes_one_connection_and_another_is_opened(start):
    server = start()
    async with client_on(server, max_connections=1) as client:
        await client.set(b"k", b"v")
        before = server.stat("total_connections")
        assert await client.quit(server.address) is None
        assert (await client.get(b"k", timeout=20)).value == b"v"
        assert server.stat("total_connections") > before


async def test_a_quiet_meta_command_has_the_same_outcome(server, key):
    async with client_on(server) as client:
        assert (await client.meta_set(key, b"1", quiet=True)).status == "ok"
        assert (await client.meta_set(key, b"1", quiet=True, mode="add")).status == "not_stored"
        assert (await client.meta_get(key, quiet=True)).value == b"1"
        assert (await client.meta_arithmetic(key, quiet=True)).status == "ok"
        assert (await client.meta_delete(key, quiet=True)).status == "ok"
        assert (await client.meta_get(key, quiet=True)).status == "miss"


async def test_a_quiet_meta_command_says_q_and_is_fenced():
    lines = []

    async def note(talk):
        while (line := await talk.line()) is not None:
            lines.append(line)
            if line == b"mn":
                talk.send(b"MN\r\n")
    async with scripted(note) as place, client_on(place, timeout=20.0) as client:
        assert (await client.meta_get(b"k", quiet=True)).status == "miss"
        assert lines[-2].startswith(b"mg k ") and b" q" in lines[-2] and lines[-1] == b"mn"


async def test_words_and_a_timeout_of_stats(server):
    async with client_on(server) as client:
        assert "maxbytes" in await client.stats(server.address, "settings", timeout=10)
        assert "pid" in await client.stats(server.address, timeout=10)
        assert "pid" in await client.stats(memcached_host_address=server.address, timeout=10)
        with pytest.raises(TypeError):
            client.stats("settings", memcached_host_address=server.address)

"""What the package has beyond emcache 1.3: partial results, bulk writes, meta operations and leases, membership at run time, metrics, certificates."""
import asyncio
import dataclasses

import pytest

import emcache
from clients import client_on
from running import eventually
from scripted import scripted

pytestmark = pytest.mark.beyond


def names(key, count):
    return [key + b":%d" % number for number in range(count)]


async def test_set_many_stores_and_tells_of_each(cluster, key):
    async with client_on(*cluster) as client:
        items = {name: b"v" + name for name in names(key, 200)}
        assert await client.set_many(items, flags=5, exptime=100) == dict.fromkeys(items, True)
        found = await client.get_many(list(items), return_flags=True)
        assert {name: (item.value, item.flags) for name, item in found.items()} == {name: (value, 5) for name, value in items.items()}
        assert await client.set_many({}) == {}


async def test_set_many_tells_which_value_was_refused(cluster, key):
    async with client_on(*cluster, timeout=20.0) as client:
        items = {name: b"v" for name in names(key, 20)}
        items[key + b":7"] = b"x" * (1024 * 1024)
        status = await client.set_many(items)
        assert isinstance(status.pop(key + b":7"), emcache.StorageCommandError)
        assert set(status.values()) == {True} and len(status) == 19
        assert len(await client.get_many(list(items))) == 19


async def test_set_many_takes_large_values_and_views(cluster, key):
    async with client_on(*cluster, timeout=20.0) as client:
        items = {name: (bytearray, memoryview, bytes)[number % 3](b"%d" % number * 20_000) for number, name in enumerate(names(key, 30))}
        assert set((await client.set_many(items)).values()) == {True}
        found = await client.get_many(list(items))
        assert all(found[name].value == bytes(value) for name, value in items.items())


async def test_delete_many_tells_what_was_there(cluster, key):
    async with client_on(*cluster) as client:
        keys = names(key, 50)
        await client.set_many({name: b"v" for name in keys[::2]})
        assert await client.delete_many(keys) == {name: number % 2 == 0 for number, name in enumerate(keys)}
        assert await client.get_many(keys) == {}


async def test_bulk_writes_refuse_bad_input(server, key):
    async with client_on(server) as client:
        for call in (lambda: client.set_many([key]), lambda: client.set_many({"text": b"v"}), lambda: client.set_many({key: "text"}), lambda: client.set_many(None),
                     lambda: client.delete_many(5), lambda: client.delete_many(["text"])):
            with pytest.raises(TypeError):
                await call()
        for call in (lambda: client.set_many({b"a b": b"v"}), lambda: client.set_many({key: b"v"}, flags=2**32), lambda: client.delete_many([b""])):
            with pytest.raises(ValueError):
                await call()


@pytest.mark.one_loop
async def test_partial_results_when_a_node_is_down(start, key):
    servers = [start() for _ in range(2)]
    async with client_on(*servers, timeout=1.0) as client:
        keys = names(key, 40)
        await client.set_many({name: b"v" for name in keys})
        there = {name for name in keys if servers[1].has(name)}
        servers[1].kill()
        found = await client.get_many([*keys, key + b":none"], return_exceptions=True)
        assert {name for name, item in found.items() if isinstance(item, asyncio.TimeoutError)} >= there
        assert all(found[name].value == b"v" for name in set(keys) - there)
        with pytest.raises(asyncio.TimeoutError):
            await client.get_many(keys)
        status = await client.set_many({name: b"w" for name in keys})
        assert {name for name, one in status.items() if one is True} == set(keys) - there
        assert all(isinstance(status[name], asyncio.TimeoutError) for name in there)


async def test_nodes_are_added_and_removed_at_run_time(cluster, key):
    async with client_on(cluster[0]) as client:
        management = client.cluster_management()
        keys = names(key, 60)
        management.add_node(cluster[1].address)
        management.add_node(cluster[2].address, weight=50)
        assert management.nodes() == [server.address for server in cluster]
        await client.set_many({name: b"v" for name in keys})
        for name in keys:
            node = management.node_for_key(name)
            assert [server.address for server in cluster if server.has(name)] == [node]
        with pytest.raises(ValueError):
            management.add_node(cluster[1].address)
        management.remove_node(cluster[1].address)
        assert management.nodes() == [cluster[0].address, cluster[2].address]
        with pytest.raises(ValueError):
            management.remove_node(cluster[1].address)
        with pytest.raises(ValueError):
            await client.version(cluster[1].address)
        await client.set_many({name: b"w" for name in keys})
        management.remove_node(cluster[0].address)
        with pytest.raises(ValueError):
            management.remove_node(cluster[2].address)


async def test_a_node_removed_with_operations_in_flight_drains(cluster, key):
    async with client_on(*cluster, timeout=10.0) as client:
        keys = names(key, 100)
        await client.set_many({name: b"v" + name for name in keys})
        tasks = [asyncio.ensure_future(client.get(name)) for name in keys]
        await asyncio.sleep(0)
        client.cluster_management().remove_node(cluster[1].address)
        assert [item.value for item in await asyncio.gather(*tasks)] == [b"v" + name for name in keys]


async def test_the_list_of_nodes_is_replaced_in_one_step(cluster, key):
    async with client_on(*cluster[:2]) as client:
        management = client.cluster_management()
        management.replace_nodes([server.address for server in cluster[1:]])
        assert set(management.nodes()) == {server.address for server in cluster[1:]}
        management.replace_nodes({server.address: 100 for server in cluster})
        assert len(management.nodes()) == 3
        with pytest.raises((ValueError, TypeError)):
            management.replace_nodes([])
        assert len(management.nodes()) == 3


async def test_how_long_operations_take_is_told_in_percentiles(server, key):
    async with client_on(server) as client:
        for _ in range(50):
            await client.get(key)
        one = client.cluster_management().operation_metrics()[server.address]
        assert dataclasses.is_dataclass(one) and one.in_flight == 0
        assert 0 < one.time_p50 <= one.time_p99 <= one.time_upper < 10


@pytest.mark.one_loop
async def test_why_a_node_is_as_it_is(start):
    server = start()
    async with client_on(server) as client:
        version = await client.version(server.address)
        state = client.cluster_management().node_states()[server.address]
        assert (state.healthy, state.reason, state.server_version) == (True, "", version) and state.age >= 0
        server.kill()
        await eventually(client.cluster_management().unhealthy_nodes)
        state = client.cluster_management().node_states()[server.address]
        assert not state.healthy and "refused" in state.reason


async def test_meta_get_gives_what_is_wanted(server, key):
    async with client_on(server) as client:
        await client.set(key, b"value", flags=7, exptime=1000)
        result = await client.meta_get(key, want=["value", "flags", "cas", "ttl", "size", "hit_before", "last_access"])
        assert result and result.status == "ok" and result.value == b"value" and result.flags == 7 and result.size == 5
        assert result.cas > 0 and 990 <= result.ttl <= 1000 and result.hit_before is False and result.last_access < 60
        assert (await client.meta_get(key, want=["hit_before"])).hit_before is True
        miss = await client.meta_get(key + b":none")
        assert not miss and miss.status == "miss" and miss.value is None


async def test_meta_set_delete_and_arithmetic(server, key):
    async with client_on(server) as client:
        stored = await client.meta_set(key, b"1", flags=3, ttl=100, want=["cas"])
        assert stored.status == "ok" and stored.cas > 0
        assert (await client.meta_set(key, b"2", mode="add")).status == "not_stored"
        assert (await client.meta_set(key, b"2", cas=stored.cas + 100)).status == "exists"
        assert (await client.meta_arithmetic(key, delta=5)).number == 6
        assert (await client.meta_arithmetic(key, delta=2, decrement=True)).number == 4
        assert (await client.meta_arithmetic(key + b":new", vivify_ttl=100, initial=9)).number == 9
        assert (await client.meta_arithmetic(key + b":none")).status == "miss"
        assert (await client.meta_delete(key)).status == "ok"
        assert (await client.meta_delete(key)).status == "miss"


async def test_a_binary_key(server):
    async with client_on(server) as client:
        name = bytes(range(150))
        assert await client.meta_set(name, b"v", binary_key=True)
        assert (await client.meta_get(name, binary_key=True)).value == b"v"
        with pytest.raises(ValueError):
            await client.meta_get(b"x" * 187, binary_key=True)
        with pytest.raises(ValueError):
            await client.meta_get(name)


async def test_meta_commands_refuse_bad_input(server, key):
    async with client_on(server) as client:
        for call in (lambda: client.meta_get(key, want=["nonsense"]), lambda: client.meta_set(key, b"v", mode="nonsense"), lambda: client.meta_get(key, ttl=2**31),
                     lambda: client.meta_get(key, opaque="a b"), lambda: client.meta_get(key, cas=-1), lambda: client.meta_set(key, b"v", flags=-1)):
            with pytest.raises(ValueError):
                await call()
        for call in (lambda: client.meta_get("text"), lambda: client.meta_set(key, 1), lambda: client.meta_get(key, want=5), lambda: client.meta_get(key, ttl="1"),
                     lambda: client.meta_get(key, opaque=5)):
            with pytest.raises(TypeError):
                await call()


async def test_one_of_many_wins_the_lease_and_the_others_do_not(server, key):
    async with client_on(server) as client:
        results = await asyncio.gather(*[client.fetch(key, 30) for _ in range(20)])
        won = [result for result in results if result.won]
        assert len(won) == 1 and all(result.already_won and result.value is None for result in results if not result.won)
        assert await client.fill(key, b"loaded", won[0], exptime=100) is True
        result = await client.fetch(key, 30)
        assert (result.value, result.won, result.stale) == (b"loaded", False, False)


async def test_a_lease_that_was_overtaken_stores_nothing(server, key):
    async with client_on(server) as client:
        lease = await client.fetch(key, 30)
        await client.set(key, b"newer")
        assert await client.fill(key, b"older", lease) is False
        assert (await client.get(key)).value == b"newer"


async def test_a_lease_given_back_is_won_by_the_next(server, key):
    async with client_on(server) as client:
        lease = await client.fetch(key, 30)
        assert lease.won and await client.give_up(key, lease) is True
        assert (await client.fetch(key, 30)).won


async def test_a_stale_value_is_served_while_one_loads(server, key):
    async with client_on(server) as client:
        await client.set(key, b"old")
        assert await client.invalidate(key, 60) is True
        first, second = await client.fetch(key, 30), await client.fetch(key, 30)
        assert (first.value, first.won, first.stale) == (b"old", True, True)
        assert (second.value, second.won, second.stale, second.already_won) == (b"old", False, True, True)
        assert await client.fill(key, b"new", first)
        assert (await client.fetch(key, 30)).value == b"new"
        assert await client.invalidate(key + b":none", 60) is False


async def test_a_counter_that_begins_by_itself(server, key):
    async with client_on(server) as client:
        assert await client.count(key, initial=5, exptime=100) == 5
        assert await client.count(key) == 6
        assert await client.count(key, 10) == 16
        assert await client.count(key, -6) == 10
        assert await client.count(key, -100) == 0


async def test_a_key_prefix_is_on_the_wire_and_nowhere_else(server, key):
    async with client_on(server, key_prefix="mine:") as client:
        await client.set(key, b"v")
        assert server.has(b"mine:" + key) and not server.has(key)
        assert (await client.get_many([key]))[key].value == b"v"
        await client.delete(key)
        assert not server.has(b"mine:" + key)


async def dumped(client, server):
    """The server's keys; its own crawler may be under way, which it tells as BUSY."""
    for _ in range(200):
        try:
            return await client.dump_keys(server.address)
        except emcache.CommandError as error:
            if "BUSY" not in str(error):
                raise
            await asyncio.sleep(0.05)
    raise AssertionError("the crawler is busy for ever")


async def test_all_keys_of_a_node(start):
    server = start()
    async with client_on(server) as client:
        keys = {b"key:%d" % number for number in range(50)}
        await client.set_many({name: b"v" for name in keys})
        assert {name for name, _ in await dumped(client, server)} == keys


async def test_pending_counts_what_is_awaited():
    async def silent(talk):
        await talk.silence()
    async with scripted(silent) as place, client_on(place, timeout=None) as client:
        tasks = [asyncio.ensure_future(client.get(b"key:%d" % number)) for number in range(7)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert client.pending == 7
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert client.pending == 0


@pytest.mark.one_loop
async def test_a_client_certificate_opens_what_wants_one(start, certificates):
    server = start("-Z", "-o", "ssl_chain_cert=%s,ssl_key=%s,ssl_verify_mode=2,ssl_ca_cert=%s" % (*certificates.server, certificates.authority))
    trust = {"ssl": True, "ssl_extra_ca": certificates.authority, "timeout": 5.0}
    certificate, key = certificates.client
    async with client_on(server, **trust, ssl_certificate=certificate, ssl_key=key) as client:
        await client.set(b"key", b"v")
        assert (await client.get(b"key")).value == b"v"
    async with client_on(server, **trust) as client:
        with pytest.raises((asyncio.TimeoutError, emcache.CommandError)):
            await client.get(b"key")


@pytest.mark.one_loop
async def test_failover_to_the_next_node_and_back(start, key):
    servers = [start() for _ in range(2)]
    async with client_on(*servers, failover="next", timeout=2.0) as client:
        management = client.cluster_management()
        name = next(one for one in names(key, 50) if management.node_for_key(one) == servers[1].address)
        await client.set(name, b"home")
        servers[1].kill()
        await eventually(management.unhealthy_nodes)
        await client.set(name, b"away")
        assert servers[0].has(name)


@pytest.mark.parametrize("options", [{"routing": "nonsense"}, {"routing": 5}, {"failover": "nonsense"}, {"hash_tag": "{"}, {"key_prefix": "a b"}, {"engine_options": {"nonsense": 1}},
                                     {"ssl": True, "ssl_version_min": "1.0"}, {"autodiscovery_kind": "dns"}, {"autodiscovery_start_timeout": 3.0}, {"gutter_exptime": 5},
                                     {"gutter_nodes": [emcache.MemcachedHostAddress("127.0.0.1", 1)]}, {"ssl_version_min": "1.3"}, {"ssl": True, "ssl_certificate": "/none.pem", "ssl_key": "/none.key"}], ids=str)
async def test_options_beyond_are_checked(server, options):
    with pytest.raises((ValueError, TypeError, OSError)):
        await emcache.create_client([server.address], **options)

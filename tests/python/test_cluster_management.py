"""client.cluster_managment(): which nodes there are, which are healthy, how their pools fare."""
import asyncio
import collections
import contextlib
import dataclasses
import threading

import pytest

import emcache
from clients import client_on
from running import eventually

FIELDS = ["cur_connections", "connections_created", "connections_created_with_error", "connections_purged", "connections_closed",
          "operations_executed", "operations_executed_with_error", "operations_waited", "create_connection_avg", "create_connection_p50",
          "create_connection_p99", "create_connection_upper"]


@contextlib.asynccontextmanager
async def client_on_nodes(nodes, **options):
    """A client on a mapping from address to weight."""
    client = await emcache.create_client(nodes, **options)
    try:
        yield client
    finally:
        await client.close()


async def test_nodes_come_in_the_order_given(cluster):
    addresses = [server.address for server in cluster]
    for order in (addresses, addresses[::-1]):
        async with client_on(*order) as client:
            management = client.cluster_managment()
            assert list(management.nodes()) == order
            assert list(management.healthy_nodes()) == order
            assert list(management.unhealthy_nodes()) == []
            assert all(type(node) is emcache.MemcachedHostAddress for node in management.nodes())


@pytest.mark.beyond
async def test_another_thread_may_ask_the_view_while_commands_run(cluster):
    """A health page's, say. What it takes in of the connections still wakes the loop's tasks, in the loop's thread."""
    async with client_on(*[server.address for server in cluster]) as client:
        management, over, failures = client.cluster_managment(), threading.Event(), []

        def ask():
            while not over.is_set():
                if len(management.nodes()) != len(cluster) or len(management.connection_pool_metrics()) != len(cluster) or management.unhealthy_nodes():
                    failures.append(management.node_states())

        async def command(number):
            for _ in range(50):
                await client.set(b"%d" % number, b"v%d" % number)
                assert (await client.get(b"%d" % number)).value == b"v%d" % number
                assert threading.current_thread() is threading.main_thread()

        thread = threading.Thread(target=ask)
        thread.start()
        try:
            await asyncio.gather(*[command(number) for number in range(32)])
        finally:
            over.set()
            thread.join()
        assert failures == []


async def test_the_same_view_is_returned_at_every_call(server):
    async with client_on(server) as client:
        assert client.cluster_managment() is client.cluster_managment()
        assert isinstance(client.cluster_managment(), emcache.ClusterManagment)
        assert isinstance(client, emcache.Client)


async def test_what_is_returned_is_the_callers_to_change(cluster):
    async with client_on(*cluster) as client:
        nodes = client.cluster_managment().nodes()
        nodes.clear()
        assert len(client.cluster_managment().nodes()) == 3


async def test_metrics_are_a_mapping_from_address_to_twelve_fields(cluster):
    async with client_on(*cluster) as client:
        for server in cluster:
            await client.version(server.address)
        metrics = client.cluster_managment().connection_pool_metrics()
        assert set(metrics) == {server.address for server in cluster}
        for one in metrics.values():
            assert isinstance(one, emcache.ConnectionPoolMetrics)
            values = dataclasses.asdict(one)
            assert [name for name in values if name in FIELDS] == FIELDS
            assert all(type(values[name]) is int for name in FIELDS[:8])
            assert all(type(values[name]) is float and values[name] > 0 for name in FIELDS[8:])
            assert one.create_connection_p50 <= one.create_connection_p99 <= one.create_connection_upper


async def test_latencies_are_none_before_the_first_connection(server):
    async with client_on(server, min_connections=0) as client:
        one = client.cluster_managment().connection_pool_metrics()[server.address]
        assert one.cur_connections == one.connections_created == 0
        assert one.create_connection_avg is one.create_connection_p50 is one.create_connection_p99 is one.create_connection_upper is None
        assert await client.get(b"none") is None
        one = client.cluster_managment().connection_pool_metrics()[server.address]
        assert one.cur_connections == 1 and one.create_connection_avg > 0


async def test_metrics_count_what_happened(start):
    server = start()
    async with client_on(server) as client:
        before = client.cluster_managment().connection_pool_metrics()[server.address]
        for number in range(25):
            await client.set(b"key:%d" % number, b"v")
        after = client.cluster_managment().connection_pool_metrics()[server.address]
        assert after.operations_executed - before.operations_executed == 25
        assert after.operations_executed_with_error == 0
        assert after.connections_created >= 1 and after.connections_created_with_error == 0
        assert 1 <= after.cur_connections <= 2
        assert before.operations_executed == 0  # a snapshot: it does not move


@pytest.mark.one_loop
async def test_the_minimum_of_connections_is_opened_and_the_maximum_kept(server, key):
    async with client_on(server, min_connections=3, max_connections=4) as client:
        await eventually(lambda: client.cluster_managment().connection_pool_metrics()[server.address].cur_connections >= 3)
        await asyncio.gather(*[client.set(key, b"x" * 50_000) for _ in range(100)])
        assert 3 <= client.cluster_managment().connection_pool_metrics()[server.address].cur_connections <= 4


@pytest.mark.one_loop
async def test_a_node_that_dies_is_unhealthy_and_healthy_when_it_is_back(start):
    first, second = start(), start()
    async with client_on(first, second, timeout=0.5) as client:
        management = client.cluster_managment()
        for number in range(20):
            await client.set(b"key:%d" % number, b"v")
        second.kill()

        async def is_unhealthy():
            await asyncio.gather(*[client.get(b"key:%d" % number) for number in range(20)], return_exceptions=True)
            return management.unhealthy_nodes() == [second.address]
        await eventually(is_unhealthy, within_s=30)
        assert management.healthy_nodes() == [first.address]
        assert set(management.nodes()) == {first.address, second.address}
        assert management.connection_pool_metrics()[second.address].connections_created_with_error > 0
        second.start()
        await eventually(lambda: not management.unhealthy_nodes(), within_s=30)
        assert set(management.healthy_nodes()) == {first.address, second.address}
        for number in range(20):
            await client.set(b"key:%d" % number, b"w")


@pytest.mark.beyond
@pytest.mark.one_loop
async def test_a_node_that_returns_is_used_within_two_seconds(start):
    server = start()
    async with client_on(server) as client:
        management = client.cluster_managment()
        await client.set(b"key", b"v")
        server.kill()
        await eventually(management.unhealthy_nodes)
        server.start()
        begin = asyncio.get_running_loop().time()
        await eventually(management.healthy_nodes)
        await client.set(b"key", b"v")
        assert asyncio.get_running_loop().time() - begin < 2.5  # 2 s, and the machine's own share


@pytest.mark.beyond
@pytest.mark.one_loop
async def test_a_node_that_hangs_is_found_unhealthy(start):
    """The original counts a stopped process as healthy: it still accepts."""
    server = start()
    async with client_on(server, timeout=0.2) as client:
        await client.set(b"key", b"v")
        server.stop()
        try:
            async def is_unhealthy():
                with pytest.raises(asyncio.TimeoutError):
                    await client.get(b"key")
                return client.cluster_managment().unhealthy_nodes()
            await eventually(is_unhealthy, within_s=15)
        finally:
            server.go_on()
        await eventually(client.cluster_managment().healthy_nodes, within_s=15)
        assert (await client.get(b"key")).value == b"v"


@pytest.mark.beyond
@pytest.mark.one_loop
async def test_one_node_down_stalls_nobody_else(start):
    first, second = start(), start()
    async with client_on(first, second, timeout=5.0) as client:
        second.stop()
        try:
            mine = [b"key:%d" % number for number in range(100)]
            there = [name for name in mine if client.cluster_management().node_for_key(name) == first.address]
            waiting = [asyncio.ensure_future(client.get(name)) for name in mine if name not in there]
            begin = asyncio.get_running_loop().time()
            for name in there:
                await client.set(name, b"v")
            assert asyncio.get_running_loop().time() - begin < 1.5
            for one in waiting:
                one.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
        finally:
            second.go_on()


@pytest.mark.beyond
async def test_the_view_outlives_its_client(cluster):
    async with client_on(*cluster) as client:
        management = client.cluster_managment()
        await client.get(b"key")
    addresses = [server.address for server in cluster]
    assert list(management.nodes()) == addresses
    assert set(management.connection_pool_metrics()) == set(addresses)
    del client
    assert list(management.nodes()) == addresses


@pytest.mark.beyond
async def test_the_spelling_is_right_too(server):
    async with client_on(server) as client:
        assert client.cluster_management() is client.cluster_managment()
        assert emcache.ClusterManagement is emcache.ClusterManagment


@pytest.mark.beyond
async def test_weights_are_given_at_creation(cluster):
    one, two, three = [server.address for server in cluster]
    async with client_on_nodes({one: 10, two: 1000, three: 100}, routing="ketama_weighted") as client:
        management = client.cluster_management()
        assert management.nodes() == [one, two, three]
        assert {node: state.weight for node, state in management.node_states().items()} == {one: 10, two: 1000, three: 100}
        shares = collections.Counter(management.node_for_key(b"key:%d" % number) for number in range(1000))
        assert shares[two] > 700 > 200 > shares[three] > shares[one]
        # as if they had been given one by one
        async with client_on(one, two, three, routing="ketama_weighted") as other:
            for node, weight in ((one, 10), (two, 1000)):
                other.cluster_management().set_weight(node, weight)
            assert all(other.cluster_management().node_for_key(b"key:%d" % number) == management.node_for_key(b"key:%d" % number) for number in range(1000))


@pytest.mark.beyond
async def test_the_weights_at_creation_are_no_events(cluster):
    class Events(emcache.ClusterEvents):
        def __init__(self):
            self.seen = []

        async def on_node_healthy(self, cluster_managment, host):
            pass

        on_node_unhealthy = on_node_healthy

        async def on_node_weight(self, cluster_managment, host, weight):
            self.seen.append((host, weight))
    events = Events()
    async with client_on_nodes({cluster[0].address: 7, cluster[1].address: 8}, cluster_events=events) as client:
        client.cluster_management().set_weight(cluster[0].address, 9)
        await eventually(lambda: events.seen)
        assert events.seen == [(cluster[0].address, 9)]


@pytest.mark.beyond
@pytest.mark.parametrize("bad, error", [(0, ValueError), (-1, ValueError), (2**32, ValueError), ("100", TypeError), (None, TypeError), (1.5, TypeError)], ids=repr)
async def test_a_weight_that_can_not_be_is_refused_at_creation(cluster, bad, error):
    with pytest.raises(error, match="weight"):
        await emcache.create_client({cluster[0].address: 100, cluster[1].address: bad})


@pytest.mark.beyond
async def test_weights_do_not_go_with_autodiscovery_and_nodes_are_needed(server):
    with pytest.raises(ValueError, match="weights"):
        await emcache.create_client({server.address: 100}, autodiscovery=True)
    with pytest.raises(ValueError):
        await emcache.create_client({})
    with pytest.raises(TypeError):
        await emcache.create_client({"localhost": 100})


@pytest.mark.beyond
async def test_the_gutter_is_told_beside_the_members(cluster):
    one, two, three = [server.address for server in cluster]
    async with client_on(one, failover="gutter", gutter_nodes=[two, three]) as client:
        management = client.cluster_management()
        assert (management.nodes(), management.gutter_nodes()) == ([one], [two, three])
        for told in (management.node_states(), management.connection_pool_metrics(), management.operation_metrics()):
            assert list(told) == [one, two, three]
    assert management.gutter_nodes() == [two, three]
    async with client_on(one) as client:
        assert client.cluster_management().gutter_nodes() == []


@pytest.mark.beyond
@pytest.mark.one_loop
async def test_deletes_that_wait_for_a_node_are_counted(start):
    servers = [start() for _ in range(2)]
    async with client_on(*servers, deletes_replayed_max=2, timeout=1.0) as client:
        management = client.cluster_management()
        names = [name for name in (b"key:%d" % number for number in range(100)) if management.node_for_key(name) == servers[1].address][:5]
        await client.set_many(dict.fromkeys(names, b"v"))
        servers[1].stop()
        await eventually(management.unhealthy_nodes)
        await client.delete_many(names)
        state = management.node_states()[servers[1].address]
        assert state.deletes_remembered == 2 and state.deletes_forgotten > 0
        servers[1].go_on()
        await eventually(lambda: not management.unhealthy_nodes())
        assert management.node_states()[servers[0].address].deletes_remembered == 0

"""Uses the whole public interface with its types: mypy --strict accepts it (test_typing.py). It is not run."""
import asyncio
from typing import Dict, List, Mapping, Optional, Sequence, Tuple, Union

import emcache
from emcache.client_errors import AuthenticationError

Address = Union[emcache.MemcachedHostAddress, emcache.MemcachedUnixSocketPath]


class Events(emcache.ClusterEvents):
    async def on_node_healthy(self, cluster_managment: emcache.ClusterManagment, host: Address) -> None:
        print(cluster_managment.nodes(), host)

    async def on_node_unhealthy(self, cluster_managment: emcache.ClusterManagment, host: Address) -> None:
        print(cluster_managment.unhealthy_nodes(), host)


async def make() -> emcache.Client:
    return await emcache.create_client(
        [emcache.MemcachedHostAddress("localhost", 11211), emcache.MemcachedUnixSocketPath("/tmp/memcached.sock")],
        timeout=None, max_connections=emcache.DEFAULT_MAX_CONNECTIONS, min_connections=1, purge_unused_connections_after=None, connection_timeout=5.0,
        cluster_events=Events(), purge_unhealthy_nodes=True, autobatching=True, autobatching_max_keys=emcache.DEFAULT_AUTOBATCHING_MAX_KEYS, ssl=True, ssl_verify=True,
        ssl_extra_ca=None, username="user", password="word", autodiscovery=False, autodiscovery_poll_interval=60.0, autodiscovery_timeout=5.0)


async def reads(client: emcache.Client) -> None:
    item: Optional[emcache.Item] = await client.get(b"key")
    if item is not None:
        value: bytes = item.value
        flags: Optional[int] = item.flags
        cas: Optional[int] = item.cas
        print(value, flags, cas)
    item = await client.gets(b"key", return_flags=True)
    item = await client.gat(0, b"key")
    item = await client.gats(0, b"key", return_flags=True)
    items: Dict[bytes, emcache.Item] = await client.get_many([b"key"], return_flags=True)
    items = await client.gets_many((b"key",))
    items = await client.gat_many(0, [b"key"])
    items = await client.gats_many(0, [b"key"])
    print(items)


async def writes(client: emcache.Client) -> None:
    await client.set(b"key", b"v", flags=1, exptime=2, noreply=True)
    await client.add(b"key", bytearray(b"v"), flags=1, exptime=2, noreply=False)
    await client.replace(b"key", memoryview(b"v"))
    await client.append(b"key", b"v", noreply=True)
    await client.prepend(b"key", b"v")
    await client.cas(b"key", b"v", 3, flags=1, exptime=2)
    number: Optional[int] = await client.increment(b"key", 1)
    number = await client.decrement(b"key", 1, noreply=True)
    await client.touch(b"key", 10)
    await client.delete(b"key", noreply=True)
    print(number)


async def administers(client: emcache.Client, address: Address) -> None:
    version: Optional[str] = await client.version(address)
    statistics: Dict[str, str] = await client.stats(address, "settings", "x")
    await client.flush_all(address, 0, noreply=True)
    await client.verbosity(address, 1)
    await client.cache_memlimit(emcache.MemcachedHostAddress("localhost", 11211), 64)
    closed: bool = client.closed
    await client.close()
    print(version, statistics, closed)


def manages(client: emcache.Client) -> None:
    management: emcache.ClusterManagment = client.cluster_managment()
    nodes: Sequence[Address] = management.nodes()
    nodes = [*management.healthy_nodes(), *management.unhealthy_nodes()]
    metrics: Mapping[Address, emcache.ConnectionPoolMetrics] = management.connection_pool_metrics()
    for one in metrics.values():
        counts: List[int] = [one.cur_connections, one.connections_created, one.connections_created_with_error, one.connections_purged, one.connections_closed,
                             one.operations_executed, one.operations_executed_with_error, one.operations_waited]
        times: List[Optional[float]] = [one.create_connection_avg, one.create_connection_p50, one.create_connection_p99, one.create_connection_upper]
        print(nodes, counts, times)


async def beyond(client: emcache.Client, address: Address) -> None:
    management: emcache.ClusterManagement = client.cluster_management()
    management.add_node(address, weight=50)
    management.set_weight(address, 100)
    management.replace_nodes([address])
    management.remove_node(address)
    events = Events()
    management.subscribe(events)
    heard: bool = management.unsubscribe(events)
    print(heard)
    node: Address = management.node_for_key(b"key")
    for operation in management.operation_metrics().values():
        print(operation.in_flight, operation.time_p50, operation.time_p99, operation.time_upper, node)
    for state in management.node_states().values():
        print(state.healthy, state.weight, state.age, state.reason, state.server_version)
    status: Dict[bytes, Union[bool, Exception]] = await client.set_many({b"key": b"v"}, flags=1, exptime=2)
    status = await client.set_many({b"key": b"v", b"other": emcache.StoreItem(b"v", flags=1), b"third": emcache.StoreItem(bytearray(b"v"), exptime=60)})
    status = await client.delete_many([b"key"])
    keys: List[Tuple[bytes, bytes]] = await client.dump_keys(address)
    async for streamed, line in client.stream_keys(address, keys_only=True, timeout=2.0):
        keys.append((streamed, line))
    stream = client.stream_keys(address)
    await stream.aclose()
    result: emcache.MetaResult = await client.meta_get(b"key", want=["value", "ttl"], vivify_ttl=30)
    result = await client.meta_set(b"key", b"v", mode="add", want=["cas"])
    result = await client.meta_delete(b"key", invalidate=True, ttl=30)
    result = await client.meta_arithmetic(b"key", delta=2)
    lease: emcache.FetchResult = await client.fetch(b"key", 30)
    lease = await client.fetch(b"key", 30, recache_below=5, wait=0.5)
    parsed: Address = emcache.parse_address("localhost:11211", default_port=11212)
    text: str = emcache.format_address(parsed)
    print(text)
    stored: bool = await client.fill(b"key", b"v", lease)
    stored = await client.give_up(b"key", lease) or await client.invalidate(b"key", 30)
    number: int = await client.count(b"key", 1, initial=5)
    pending: int = client.pending
    print(status, keys, result.value, result.number, stored, number, pending)


async def catches(client: emcache.Client) -> None:
    task: "asyncio.Task[Optional[emcache.Item]]" = asyncio.create_task(client.get(b"key"))
    try:
        await task
    except (emcache.ClusterNoAvailableNodes, emcache.NotStoredStorageCommandError, emcache.StorageCommandError, emcache.NotFoundCommandError, AuthenticationError):
        raise
    except emcache.CommandError as error:
        print(error)
    except asyncio.TimeoutError:
        pass
    first, second = await asyncio.gather(client.get(b"a"), client.get_many([b"b"]))
    print(first, second)


DEFAULTS: Tuple[float, float, float, int, int, bool, bool, bool, bool] = (
    emcache.DEFAULT_TIMEOUT, emcache.DEFAULT_CONNECTION_TIMEOUT, emcache.DEFAULT_PURGE_UNUSED_CONNECTIONS_AFTER, emcache.DEFAULT_MAX_CONNECTIONS,
    emcache.DEFAULT_AUTOBATCHING_MAX_KEYS, emcache.DEFAULT_PURGE_UNHEALTHY_NODES, emcache.DEFAULT_AUTOBATCHING_ENABLED, emcache.DEFAULT_SSL, emcache.DEFAULT_SSL_VERIFY)

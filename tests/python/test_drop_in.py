"""A cluster that changes its client keeps its cache, and a program that changes its client keeps its text."""
import asyncio

import pytest

import emcache
import reference_routing
from clients import client_on

IDENTITIES = [b"127.0.0.111211", b"127.0.0.111212", b"127.0.0.111213"]
# Computed by running the original.
VECTORS = {b"foo": 2, b"bar": 2, b"key:0": 0, b"user:1234": 2, b"key:104": 0, b"key:1": 0, b"a" * 250: 0, "été".encode(): 1}
HOSTS = [6, 5, 3, 1, 5, 9, 6, 2, 5, 1, 1, 7, 3, 8, 5, 4, 5, 3, 3, 6]
PATHS = [2, 0, 0, 0, 2, 2, 0, 1, 0, 1, 1, 1, 1, 0, 2, 2, 1, 2, 0, 1]


def test_the_reference_agrees_with_the_vectors():
    assert {key: reference_routing.pick(key, IDENTITIES) for key in VECTORS} == VECTORS
    hosts = [b"cache-%d.example.com11211" % number for number in range(10)]
    assert [reference_routing.pick(b"key:%d" % number, hosts) for number in range(20)] == HOSTS
    paths = [b"/tmp/mc%d.sock" % number for number in range(3)]
    assert [reference_routing.pick(b"key:%d" % number, paths) for number in range(20)] == PATHS


async def test_every_key_goes_to_the_node_it_went_to(cluster, key):
    identities = [reference_routing.identity(server.address) for server in cluster]
    async with client_on(*cluster) as client:
        names = [key + b":%d" % number for number in range(300)]
        await asyncio.gather(*[client.set(name, b"v") for name in names])
        for name in names:
            assert [server.has(name) for server in cluster].index(True) == reference_routing.pick(name, identities), name


async def test_bulk_commands_go_to_the_same_nodes(cluster, key):
    identities = [reference_routing.identity(server.address) for server in cluster]
    names = [key + b":%d" % number for number in range(100)]
    for name in names:
        server = cluster[reference_routing.pick(name, identities)]
        server.ask(b"set %b 0 0 %d\r\n%b\r\n" % (name, len(name), name), b"STORED\r\n")
    async with client_on(*cluster) as client:
        assert {name: item.value for name, item in (await client.get_many(names)).items()} == {name: name for name in names}
        assert len(await client.gat_many(100, names)) == 100


@pytest.mark.beyond
async def test_the_vectors_hold_for_nodes_that_are_not_there():
    hosts = [emcache.MemcachedHostAddress("127.0.0.1", port) for port in (11211, 11212, 11213)]
    async with client_on(*hosts) as client:
        for key, index in VECTORS.items():
            assert client.cluster_management().node_for_key(key) == hosts[index]
    paths = [emcache.MemcachedUnixSocketPath("/tmp/mc%d.sock" % number) for number in range(3)]
    async with client_on(*paths) as client:
        assert [paths.index(client.cluster_management().node_for_key(b"key:%d" % number)) for number in range(20)] == PATHS


async def test_the_program_of_the_readme(server, capsys):
    """As it stands in the original's README, but for the port."""
    client = await emcache.create_client([emcache.MemcachedHostAddress('localhost', server.port)])
    await client.set(b'key', b'value')
    item = await client.get(b'key')
    print(item.value)
    await client.close()
    assert capsys.readouterr().out == "b'value'\n"


async def test_a_lock_made_of_add_and_delete(server, key):
    """A usual program: whoever adds holds the lock."""
    async with client_on(server) as client:
        held = most = 0

        async def work():
            nonlocal held, most
            while True:
                try:
                    await client.add(key, b"locked", exptime=30)
                    break
                except emcache.NotStoredStorageCommandError:
                    await asyncio.sleep(0.001)
            held += 1
            most = max(most, held)
            await asyncio.sleep(0)
            held -= 1
            await client.delete(key)
        await asyncio.gather(*[work() for _ in range(10)])
        assert most == 1


async def test_a_counter_made_of_gets_and_cas(server, key):
    async with client_on(server, timeout=20.0) as client:
        await client.set(key, b"0")

        async def add_one():
            while True:
                item = await client.gets(key)
                try:
                    await client.cas(key, b"%d" % (int(item.value) + 1), item.cas)
                    return
                except emcache.NotStoredStorageCommandError:
                    pass
        await asyncio.gather(*[add_one() for _ in range(20)])
        assert (await client.get(key)).value == b"20"


async def test_existing_handlers_of_errors_keep_working(server, key):
    """except asyncio.TimeoutError, except emcache.CommandError: what programs have."""
    async with client_on(server, emcache.MemcachedHostAddress("127.0.0.1", 9), timeout=0.2) as client:
        for number in range(30):
            try:
                await client.get(key + b":%d" % number)
            except (asyncio.TimeoutError, emcache.CommandError):
                pass

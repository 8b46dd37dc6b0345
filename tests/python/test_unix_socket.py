"""A server on a unix path."""
import asyncio
import os

import pytest

import emcache
from clients import client_on


@pytest.fixture
def unix_server(start, tmp_path):
    return start(path=str(tmp_path / "memcached.sock"))


async def test_commands_work_on_a_path(unix_server, key):
    async with client_on(unix_server) as client:
        await client.set(key, b"v", flags=1)
        assert await client.get(key, return_flags=True) == emcache.Item(b"v", 1, None)
        assert (await client.stats(unix_server.address))["pid"] == str(unix_server.process.pid)
        assert isinstance(await client.version(unix_server.address), str)
        await client.flush_all(unix_server.address)
        assert await client.get(key) is None


async def test_management_names_the_path(unix_server):
    async with client_on(unix_server) as client:
        assert client.cluster_managment().nodes() == [emcache.MemcachedUnixSocketPath(unix_server.path)]
        assert list(client.cluster_managment().connection_pool_metrics()) == [emcache.MemcachedUnixSocketPath(unix_server.path)]


async def test_paths_and_hosts_mix(unix_server, server, key):
    async with client_on(unix_server, server) as client:
        names = [key + b":%d" % number for number in range(50)]
        for name in names:
            await client.set(name, name)
        assert {name: item.value for name, item in (await client.get_many(names)).items()} == {name: name for name in names}
        assert 0 < sum(unix_server.has(name) for name in names) < 50


@pytest.mark.beyond
@pytest.mark.one_loop
async def test_a_path_that_is_missing_fails_soon(tmp_path):
    path = emcache.MemcachedUnixSocketPath(os.path.join(str(tmp_path), "none"))
    async with client_on(path, timeout=10.0) as client:
        begin = asyncio.get_running_loop().time()
        with pytest.raises(asyncio.TimeoutError):
            await client.get(b"key")
        assert asyncio.get_running_loop().time() - begin < 8

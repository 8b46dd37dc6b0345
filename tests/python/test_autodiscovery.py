"""autodiscovery=True against a small scripted configuration endpoint; the nodes it names are real servers."""
import asyncio

import pytest

import emcache
from clients import client_on
from running import eventually
from scripted import scripted


class Endpoint:
    """What `config get cluster` answers; the test changes it."""

    def __init__(self, version, servers):
        self.asked = 0
        self.tell(version, servers)

    def tell(self, version, servers, ip=True):
        nodes = " ".join(f"{server.address.address}|{'127.0.0.1' if ip else ''}|{server.port}" for server in servers)
        body = f"{version}\n{nodes}\n".encode()
        self.reply = b"CONFIG cluster 0 %d\r\n%b\r\nEND\r\n" % (len(body), body)

    async def answer(self, talk):
        while True:
            line = await talk.line()
            if line is None:
                return
            if line != b"config get cluster":  # `get AmazonElastiCache:cluster`, what came before it: a key that is not there
                talk.send(b"END\r\n")
                continue
            self.asked += 1
            talk.send(self.reply)


def nodes(client):
    return set(client.cluster_managment().nodes())


def addresses(servers):
    return {server.address for server in servers}


async def test_the_nodes_are_those_the_endpoint_names(cluster, key):
    endpoint = Endpoint(1, cluster)
    async with scripted(endpoint.answer) as place, client_on(place, autodiscovery=True) as client:
        assert nodes(client) == addresses(cluster)
        names = [key + b":%d" % number for number in range(60)]
        await asyncio.gather(*[client.set(name, name) for name in names])
        assert len(await client.get_many(names)) == 60
        assert all(any(server.has(name) for name in names) for server in cluster)


async def test_a_higher_version_changes_the_nodes(cluster, key):
    endpoint = Endpoint(1, cluster[:2])
    async with scripted(endpoint.answer) as place, client_on(place, autodiscovery=True, autodiscovery_poll_interval=0.05) as client:
        assert nodes(client) == addresses(cluster[:2])
        endpoint.tell(2, cluster[1:])
        await eventually(lambda: nodes(client) == addresses(cluster[1:]))
        for number in range(20):
            await client.set(key + b":%d" % number, b"v")
        assert not any(cluster[0].has(key + b":%d" % number) for number in range(20))


async def test_the_same_version_changes_nothing(cluster):
    endpoint = Endpoint(1, cluster[:2])
    async with scripted(endpoint.answer) as place, client_on(place, autodiscovery=True, autodiscovery_poll_interval=0.03) as client:
        endpoint.tell(1, cluster)
        asked = endpoint.asked
        await eventually(lambda: endpoint.asked >= asked + 3)
        assert nodes(client) == addresses(cluster[:2])


async def test_an_empty_ip_is_the_host(cluster):
    endpoint = Endpoint(1, cluster)
    endpoint.tell(1, cluster, ip=False)
    async with scripted(endpoint.answer) as place, client_on(place, autodiscovery=True) as client:
        assert nodes(client) == addresses(cluster)
        for server in cluster:
            assert isinstance(await client.version(server.address), str)


async def test_close_ends_the_polling(cluster):
    endpoint = Endpoint(1, cluster)
    async with scripted(endpoint.answer) as place:
        async with client_on(place, autodiscovery=True, autodiscovery_poll_interval=0.03):
            await eventually(lambda: endpoint.asked >= 2)
        asked = endpoint.asked
        await asyncio.sleep(0.1)
        assert endpoint.asked <= asked + 1


@pytest.mark.beyond
async def test_a_lower_version_changes_nothing(cluster):
    endpoint = Endpoint(5, cluster[:2])
    async with scripted(endpoint.answer) as place, client_on(place, autodiscovery=True, autodiscovery_poll_interval=0.03) as client:
        endpoint.tell(4, cluster)
        asked = endpoint.asked
        await eventually(lambda: endpoint.asked >= asked + 3)
        assert nodes(client) == addresses(cluster[:2])


@pytest.mark.beyond
@pytest.mark.parametrize("reply", [b"ERROR\r\n", b"END\r\n", b"CONFIG cluster 0 5\r\nabcde\r\nEND\r\n", b"CONFIG cluster 0 9999999999\r\n", b"CONFIG cluster 0 3\r\n1\n\n\r\nEND\r\n"],
                         ids=["unsupported", "none", "garbage", "huge", "empty"])
async def test_a_failed_first_discovery_is_an_error_of_create_client(reply):
    """The original returns a client that then breaks."""
    async def answer(talk):
        while await talk.line():
            talk.send(reply)

    async with scripted(answer) as place:
        begin = asyncio.get_running_loop().time()
        with pytest.raises((asyncio.TimeoutError, emcache.CommandError, emcache.ClusterNoAvailableNodes)):
            await emcache.create_client([place.address], autodiscovery=True, autodiscovery_timeout=0.5)
        assert asyncio.get_running_loop().time() - begin < 20


@pytest.mark.beyond
async def test_an_endpoint_that_fails_later_leaves_the_last_good_list(cluster, key):
    endpoint = Endpoint(1, cluster)
    async with scripted(endpoint.answer) as place, client_on(place, autodiscovery=True, autodiscovery_poll_interval=0.03) as client:
        for reply in (b"ERROR\r\n", b"END\r\n", b"CONFIG cluster 0 5\r\nabcde\r\nEND\r\n"):
            endpoint.reply = reply
            asked = endpoint.asked
            await eventually(lambda: endpoint.asked >= asked + 2)
            assert nodes(client) == addresses(cluster)
            await client.set(key, b"v")
        endpoint.tell(2, cluster[:1])
        await eventually(lambda: nodes(client) == addresses(cluster[:1]))


@pytest.mark.beyond
async def test_a_change_with_operations_in_flight_loses_none(cluster, key):
    endpoint, version = Endpoint(1, cluster), 1
    async with scripted(endpoint.answer) as place, client_on(place, autodiscovery=True, autodiscovery_poll_interval=0.02, timeout=10.0) as client:
        for turn in range(10):
            version += 1
            endpoint.tell(version, cluster[turn % 2:turn % 2 + 2])
            wanted = addresses(cluster[turn % 2:turn % 2 + 2])
            while nodes(client) != wanted:
                await asyncio.gather(*[client.set(key + b":%d" % number, b"v") for number in range(50)])

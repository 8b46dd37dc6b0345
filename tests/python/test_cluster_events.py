"""ClusterEvents: called in the order things happened, one at a time, whatever the handlers do."""
import asyncio

import pytest

import emcache
from clients import client_on
from running import eventually


class Recorder(emcache.ClusterEvents):
    def __init__(self):
        self.seen, self.running, self.overlapped = [], 0, False

    async def on_node_healthy(self, cluster_managment, host):
        await self.note("healthy", cluster_managment, host)

    async def on_node_unhealthy(self, cluster_managment, host):
        await self.note("unhealthy", cluster_managment, host)

    async def note(self, what, management, host):
        self.overlapped = self.overlapped or self.running > 0
        self.running += 1
        await asyncio.sleep(0.01)
        self.seen.append((what, host, management, list(management.healthy_nodes())))
        self.running -= 1


async def provoke(client, condition):
    """Asks until a condition holds: the original notices a dead connection only when it is used."""
    async def tried():
        await asyncio.gather(*[client.get(b"key:%d" % number) for number in range(16)], return_exceptions=True)
        return condition()
    await eventually(tried, within_s=40)


def test_events_are_abstract():
    with pytest.raises(TypeError):
        emcache.ClusterEvents()

    class Half(emcache.ClusterEvents):
        async def on_node_healthy(self, cluster_managment, host):
            pass
    with pytest.raises(TypeError):
        Half()


@pytest.mark.one_loop
async def test_a_node_that_dies_and_returns_is_told_in_order(start):
    server, recorder = start(), Recorder()
    async with client_on(server, cluster_events=recorder, timeout=0.5) as client:
        await client.set(b"key", b"v")
        server.kill()
        await provoke(client, lambda: len(recorder.seen) == 1)
        server.start()
        await eventually(lambda: len(recorder.seen) == 2, within_s=40)
        assert [(what, host) for what, host, _, _ in recorder.seen] == [("unhealthy", server.address), ("healthy", server.address)]
        assert all(management is client.cluster_managment() for _, _, management, _ in recorder.seen)
        assert type(recorder.seen[0][1]) is emcache.MemcachedHostAddress
        assert [healthy for _, _, _, healthy in recorder.seen] == [[], [server.address]]


@pytest.mark.one_loop
async def test_events_come_one_at_a_time(start):
    servers, recorder = [start() for _ in range(4)], Recorder()
    async with client_on(*servers, cluster_events=recorder, timeout=0.5) as client:
        await asyncio.gather(*[client.set(b"key:%d" % number, b"v") for number in range(16)])
        for server in servers:
            await client.version(server.address)
            server.kill()
        await provoke(client, lambda: len(recorder.seen) == 4)
        assert {host for _, host, _, _ in recorder.seen} == {server.address for server in servers}
        assert not recorder.overlapped


@pytest.mark.one_loop
async def test_a_handler_that_raises_does_not_end_the_events(start, caplog):
    class Raising(Recorder):
        async def note(self, what, management, host):
            self.seen.append(what)
            raise ValueError("from the handler")

    server, recorder = start(), Raising()
    async with client_on(server, cluster_events=recorder, timeout=0.5) as client:
        await client.set(b"key", b"v")
        server.kill()
        await provoke(client, lambda: recorder.seen == ["unhealthy"])
        server.start()
        await eventually(lambda: recorder.seen == ["unhealthy", "healthy"], within_s=40)
        assert await client.get(b"key") is None
    assert "from the handler" in caplog.text


@pytest.mark.one_loop
async def test_a_slow_handler_holds_nothing_up(start):
    class Slow(Recorder):
        async def note(self, what, management, host):
            self.seen.append(what)
            await asyncio.Event().wait()

    servers, recorder = [start() for _ in range(2)], Slow()
    async with client_on(*servers, cluster_events=recorder, timeout=0.5) as client:
        await client.version(servers[1].address)
        servers[1].kill()
        await provoke(client, lambda: recorder.seen == ["unhealthy"])
        assert isinstance(await client.version(servers[0].address), str)
        servers[1].start()
        await eventually(lambda: len(client.cluster_managment().healthy_nodes()) == 2, within_s=40)
        assert recorder.seen == ["unhealthy"]  # the next one waits for this one's end


@pytest.mark.beyond
@pytest.mark.one_loop
async def test_a_handler_may_use_the_client(start):
    first, second = start(), start()

    class Using(Recorder):
        async def note(self, what, management, host):
            self.seen.append(await client.version(first.address))

    recorder = Using()
    async with client_on(first, second, cluster_events=recorder) as client:
        await client.version(second.address)
        second.kill()
        await eventually(lambda: recorder.seen)


@pytest.mark.beyond
@pytest.mark.one_loop
async def test_a_handler_may_close_the_client(start):
    server = start()

    class Closing(Recorder):
        async def note(self, what, management, host):
            await client.close()
            self.seen.append(what)

    recorder = Closing()
    async with client_on(server, cluster_events=recorder) as client:
        await client.version(server.address)
        server.kill()
        await eventually(lambda: client.closed)


class All(emcache.ClusterEvents):
    """Hears of everything."""

    def __init__(self):
        self.seen = []

    async def on_node_healthy(self, cluster_managment, host):
        self.seen.append(("healthy", host))

    async def on_node_unhealthy(self, cluster_managment, host):
        self.seen.append(("unhealthy", host))

    async def on_node_added(self, cluster_managment, host):
        assert host in cluster_managment.nodes()
        self.seen.append(("added", host))

    async def on_node_removed(self, cluster_managment, host):
        self.seen.append(("removed", host))

    async def on_node_weight(self, cluster_managment, host, weight):
        self.seen.append(("weight", host, weight))

    async def on_discovery_error(self, cluster_managment, host, reason):
        self.seen.append(("discovery_error", host, reason))


@pytest.mark.beyond
async def test_changes_of_membership_are_told_in_order(cluster):
    events = All()
    one, two, three = [server.address for server in cluster]
    async with client_on(one, cluster_events=events) as client:
        management = client.cluster_management()
        management.add_node(two)
        await eventually(lambda: events.seen == [("added", two)])
        management.set_weight(two, 50)
        management.remove_node(two)
        management.replace_nodes([one, three])
        await eventually(lambda: len(events.seen) == 4)
        assert events.seen == [("added", two), ("weight", two, 50), ("removed", two), ("added", three)]


@pytest.mark.beyond
async def test_a_discovery_without_an_answer_is_told(server):
    from scripted import scripted
    lists = [b"CONFIG cluster 0 %d\r\n%b\r\n\r\nEND\r\n"]
    text = b"1\n127.0.0.1|127.0.0.1|%d" % server.port

    async def once(talk):
        while (line := await talk.line()) is not None:
            assert line == b"config get cluster"
            talk.send(lists.pop() % (len(text), text) if lists else b"SERVER_ERROR not now\r\n")
    events = All()
    async with scripted(once) as place, client_on(place, cluster_events=events, autodiscovery=True, autodiscovery_poll_interval=0.1) as client:
        await eventually(lambda: any(one[0] == "discovery_error" for one in events.seen))
        told = next(one for one in events.seen if one[0] == "discovery_error")
        assert told[1] == place.address and told[2]
        assert client.cluster_management().nodes() == [server.address]


@pytest.mark.beyond
async def test_a_handler_without_the_newer_hooks_will_do(cluster):
    """A class written against emcache 1.3 that does not even derive from ClusterEvents."""
    class Old:
        def __init__(self):
            self.seen = []

        async def on_node_healthy(self, cluster_managment, host):
            self.seen.append(host)

        on_node_unhealthy = on_node_healthy
    old = Old()
    async with client_on(cluster[0], cluster_events=old) as client:
        client.cluster_management().add_node(cluster[1].address)
        await client.version(cluster[1].address)
        assert old.seen == []


@pytest.mark.beyond
async def test_a_newer_hook_that_raises_is_told_in_the_log(cluster, caplog):
    class Raising(All):
        async def on_node_added(self, cluster_managment, host):
            raise KeyError("raised")
    events = Raising()
    async with client_on(cluster[0], cluster_events=events) as client:
        client.cluster_management().add_node(cluster[1].address)
        client.cluster_management().remove_node(cluster[1].address)
        await eventually(lambda: events.seen)
    assert events.seen == [("removed", cluster[1].address)] and any("Hook raised" in record.message for record in caplog.records)

"""Subscribing to the cluster's events, and no longer, at run time."""
import asyncio
import gc
import threading
import weakref

import pytest

import emcache
from clients import client_on
from running import eventually, ticks

pytestmark = pytest.mark.beyond


class Ear(emcache.ClusterEvents):
    """Hears of everything."""

    def __init__(self, log=None):
        self.seen, self.managements = [] if log is None else log, set()

    async def on_node_healthy(self, cluster_managment, host):
        self.seen.append(("healthy", host))

    async def on_node_unhealthy(self, cluster_managment, host):
        self.seen.append(("unhealthy", host))

    async def on_node_added(self, cluster_managment, host):
        self.managements.add(cluster_managment)
        self.seen.append(("added", host))

    async def on_node_removed(self, cluster_managment, host):
        self.seen.append(("removed", host))

    async def on_node_weight(self, cluster_managment, host, weight):
        self.seen.append(("weight", host, weight))


def node(port):
    return emcache.MemcachedHostAddress("127.0.0.1", port)


async def settled(client):
    """All that has happened has been told: an event that comes last has been heard."""
    last, management = Ear(), client.cluster_management()
    management.subscribe(last)
    management.set_weight(management.nodes()[0], 77)
    await eventually(lambda: last.seen)
    management.unsubscribe(last)
    await ticks()


async def test_it_hears_from_then_on_and_no_longer(server):
    ear = Ear()
    async with client_on(server) as client:
        management = client.cluster_management()
        management.add_node(node(1))
        management.subscribe(ear)  # what happened before, and nobody has been told of yet, is not its business
        management.add_node(node(2))
        management.remove_node(node(1))
        await eventually(lambda: len(ear.seen) == 2)
        assert ear.seen == [("added", node(2)), ("removed", node(1))] and ear.managements == {management}
        assert management.unsubscribe(ear) is True
        management.remove_node(node(2))
        await settled(client)
        assert ear.seen == [("added", node(2)), ("removed", node(1))]


async def test_what_was_not_told_yet_is_not_told_any_more(server):
    ear = Ear()
    async with client_on(server) as client:
        management = client.cluster_management()
        management.subscribe(ear)
        management.add_node(node(1))
        assert management.unsubscribe(ear) is True
        await settled(client)
        assert ear.seen == []


async def test_several_hear_the_same_each_in_order(server):
    first, second, third = Ear(), Ear(), Ear()
    async with client_on(server, cluster_events=first) as client:
        management = client.cluster_management()
        management.subscribe(second)
        management.add_node(node(1))
        management.subscribe(third)
        management.set_weight(node(1), 50)
        management.remove_node(node(1))
        await eventually(lambda: len(third.seen) == 2)
        await settled(client)
        told = [("added", node(1)), ("weight", node(1), 50), ("removed", node(1))]
        assert first.seen[:3] == second.seen[:3] == told and third.seen[:2] == told[1:]


async def test_that_of_create_client_can_be_ended_too(server):
    ear = Ear()
    async with client_on(server, cluster_events=ear) as client:
        management = client.cluster_management()
        assert management.unsubscribe(ear) is True
        management.add_node(node(1))
        await settled(client)
        assert ear.seen == []
        management.subscribe(ear)
        management.remove_node(node(1))
        await eventually(lambda: ear.seen == [("removed", node(1))])


async def test_a_slow_one_holds_up_no_other(server):
    class Slow(Ear):
        async def on_node_added(self, cluster_managment, host):
            self.seen.append("begun")
            await self.go_on.wait()
            self.seen.append("ended")

    slow, quick = Slow(), Ear()
    slow.go_on = asyncio.Event()
    async with client_on(server) as client:
        management = client.cluster_management()
        management.subscribe(slow)
        management.subscribe(quick)
        management.add_node(node(1))
        management.remove_node(node(1))
        await eventually(lambda: len(quick.seen) == 2)
        assert slow.seen == ["begun"]
        assert management.unsubscribe(slow)
        slow.go_on.set()
        await settled(client)
        assert slow.seen == ["begun", "ended"]  # what ran goes on to its end, the next one is not called


async def test_a_hook_may_subscribe_and_unsubscribe(server):
    class Once(Ear):
        async def on_node_added(self, cluster_managment, host):
            self.seen.append(host)
            assert cluster_managment.unsubscribe(self) is True
            assert cluster_managment.unsubscribe(self) is False
            cluster_managment.subscribe(other)

    once, other = Once(), Ear()
    async with client_on(server) as client:
        management = client.cluster_management()
        management.subscribe(once)
        management.add_node(node(1))
        await eventually(lambda: once.seen)
        management.add_node(node(2))
        await eventually(lambda: other.seen == [("added", node(2))])
        assert once.seen == [node(1)]


@pytest.mark.one_loop
async def test_changes_of_health_are_heard(start):
    server, ear = start(), Ear()
    async with client_on(server, timeout=0.5) as client:
        await client.version(server.address)
        client.cluster_management().subscribe(ear)
        server.kill()
        await eventually(lambda: ear.seen == [("unhealthy", server.address)])
        server.start()
        await eventually(lambda: ear.seen == [("unhealthy", server.address), ("healthy", server.address)], within_s=40)


async def test_what_is_no_listener_and_what_listens_already(server):
    ear = Ear()
    async with client_on(server) as client:
        management = client.cluster_management()
        for bad in (None, 1, "events", Ear, object(), lambda event: None):
            if bad is not Ear:  # a class has the functions
                with pytest.raises(TypeError, match="ClusterEvents"):
                    management.subscribe(bad)
            assert management.unsubscribe(bad) is False
        for call in (management.subscribe, management.unsubscribe):
            with pytest.raises(TypeError):
                call()
            with pytest.raises(TypeError):
                call(ear, ear)
        management.subscribe(ear)
        with pytest.raises(ValueError, match="already"):
            management.subscribe(ear)
        management.add_node(node(1))
        await eventually(lambda: ear.seen)
        await settled(client)
        assert ear.seen.count(("added", node(1))) == 1
        assert management.unsubscribe(ear) is True and management.unsubscribe(ear) is False


async def test_a_closed_client_tells_nothing_and_takes_no_one(server):
    ear = Ear()
    async with client_on(server) as client:
        management = client.cluster_management()
        management.subscribe(ear)
    assert management.unsubscribe(ear) is False
    with pytest.raises(RuntimeError, match="closed"):
        management.subscribe(Ear())


async def test_a_hook_under_way_is_cancelled_when_the_client_is_closed(server):
    class Stuck(Ear):
        async def on_node_added(self, cluster_managment, host):
            self.seen.append("begun")
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                self.seen.append("cancelled")
                raise

    stuck = Stuck()
    async with client_on(server) as client:
        client.cluster_management().subscribe(stuck)
        client.cluster_management().add_node(node(1))
        await eventually(lambda: stuck.seen)
    await eventually(lambda: stuck.seen == ["begun", "cancelled"])


async def test_another_thread_is_refused(server):
    ear, errors = Ear(), []
    async with client_on(server) as client:
        management = client.cluster_management()

        def elsewhere():
            for call in (management.subscribe, management.unsubscribe):
                try:
                    call(ear)
                except RuntimeError as error:
                    errors.append(str(error))
        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join()
        assert len(errors) == 2 and all("thread" in error for error in errors)
        management.subscribe(ear)


async def test_a_client_is_held_while_somebody_listens(server):
    client, ear = await emcache.create_client([server.address]), Ear()
    await client.version(server.address)
    client.cluster_management().subscribe(ear)
    gone = weakref.ref(client)
    del client
    gc.collect()
    assert gone() is not None
    client = gone()
    assert client.cluster_management().unsubscribe(ear)
    await ticks()
    with pytest.warns(ResourceWarning, match="unclosed emcache client"):
        del client
        gc.collect()
    assert gone() is None


async def test_many_that_come_and_go_leave_nothing(server):
    async with client_on(server) as client:
        management = client.cluster_management()
        gone = []
        for _ in range(200):
            ear = Ear()
            management.subscribe(ear)
            management.unsubscribe(ear)
            gone.append(weakref.ref(ear))
        del ear
        gc.collect()
        assert not [one for one in gone if one() is not None]

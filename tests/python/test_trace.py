"""create_client(trace=…): every operation's beginning and end, told where nothing can break."""
import asyncio
import contextvars
import gc
import logging
import weakref

import pytest

import emcache
from clients import client_on
from running import eventually, ticks
from scripted import scripted

pytestmark = pytest.mark.beyond


async def silent(talk):
    await talk.silence()


async def test_a_beginning_and_an_end_of_each_operation(server, key):
    events = []
    async with client_on(server, trace=events.append) as client:
        await client.set(key, b"value")
        await client.get(key)
        await client.get(key + b":none")
        await client.stats(server.address)
    words = [(event.command, event.ended, event.status, event.size) for event in events]
    assert words == [("set", False, "ok", 5), ("set", True, "ok", 0), ("get", False, "ok", 0), ("get", True, "ok", 5), ("get", False, "ok", 0), ("get", True, "miss", 0),
                     ("stats", False, "ok", 0), ("stats", True, "ok", 0)]
    assert all(type(event) is emcache.TraceEvent and event.failed is False for event in events)
    begun, ended = events[:2]
    assert begun.operation == ended.operation > 0 and len({event.operation for event in events}) == 4
    assert begun.key == ended.key == key and begun.keys == 1 and begun.node == server.address and (begun.duration, begun.ended) == (0.0, False)
    assert 0 < ended.duration < 60
    assert (events[-1].key, events[-1].keys) == (None, 0)


async def test_a_bulk_call_and_a_prefix(cluster, key):
    events = []
    async with client_on(*cluster, trace=events.append, key_prefix="mine:") as client:
        names = [key + b":%d" % number for number in range(30)]
        await client.get_many(names)
        assert [(event.keys, event.key, event.node) for event in events] == [(30, None, None)] * 2
        await client.get(key)
        assert events[-1].key == b"mine:" + key
        await client.get_many([])


async def test_a_unix_path_is_the_node(start, tmp_path):
    events = []
    async with client_on(start(path=str(tmp_path / "socket")), trace=events.append) as client:
        await client.get(b"k")
        assert events[-1].node == emcache.MemcachedUnixSocketPath(str(tmp_path / "socket"))
        assert events[0].node is events[1].node


async def test_an_error_is_told_by_its_name():
    events = []
    async with scripted(silent) as place, client_on(place, trace=events.append) as client:
        with pytest.raises(asyncio.TimeoutError):
            await client.get(b"k", timeout=0.05)
        assert (events[-1].ended, events[-1].status, events[-1].failed) == (True, "timeout", True)


async def test_a_beginning_is_told_in_the_task_and_an_end_before_it_goes_on(server, key):
    who, order = contextvars.ContextVar("who", default="nobody"), []

    def trace(event):
        order.append((event.key, event.ended, who.get() if not event.ended else None))

    async def one(name):
        who.set(name.decode())
        await client.get(name)
        order.append((name, "goes on"))

    async with client_on(server, trace=trace) as client:
        await asyncio.gather(one(b"a"), one(b"b"))
    for name in (b"a", b"b"):
        assert [entry[1:] for entry in order if entry[0] == name] == [(False, name.decode()), (True, None), ("goes on",)]


async def test_a_refused_operation_is_not_told(server):
    events = []
    async with client_on(server, trace=events.append) as client:
        with pytest.raises(ValueError):
            await client.version(emcache.MemcachedHostAddress("localhost", 1))
        assert events == []


async def test_what_a_trace_raises_goes_to_the_log(server, key, caplog):
    def trace(event):
        raise KeyError(event.command)
    async with client_on(server, trace=trace) as client:
        with caplog.at_level(logging.ERROR, logger="emcache"):
            await client.set(key, b"v")
            assert (await client.get(key)).value == b"v"
    assert len(caplog.records) == 4 and all(record.exc_info[0] is KeyError for record in caplog.records)


async def test_a_trace_may_use_its_client(server, key):
    seen, tasks = [], []

    def trace(event):
        seen.append(event)
        assert client.cluster_management().nodes() == [server.address]
        client.cluster_management().operation_metrics()
        if len(tasks) < 3:
            tasks.append(asyncio.ensure_future(client.get(key)))
    async with client_on(server, trace=trace) as client:
        await client.set(key, b"v")
        while len(tasks) < 3:  # the answer may be there before the first of them has begun
            await asyncio.sleep(0)
        assert [item.value for item in await asyncio.gather(*tasks)] == [b"v"] * 3
    assert len(seen) == 8


async def test_a_trace_may_close_its_client(server, key):
    """In the beginning of an operation, which then ends as those of a closed client do; and in its end."""
    for at_end in (False, True):
        seen = []

        def trace(event, seen=seen, at_end=at_end):
            seen.append((event.ended, event.status))
            if event.ended is at_end and not client.closed:
                command = client.close()
                with pytest.raises((StopIteration, RuntimeError)):
                    command.send(None)
                    command.send(None)
        client = await emcache.create_client([server.address], trace=trace)
        if at_end:
            await client.set(key, b"v")
        else:
            with pytest.raises(RuntimeError):
                await client.set(key, b"v")
        assert client.closed and seen == [(False, "ok"), (True, "ok" if at_end else "cancelled")]


async def test_a_trace_may_step_a_command_by_itself(server, key):
    """Deeper and deeper is the program's fault, and an exception like any other."""
    depth = []

    def trace(event):
        if not event.ended and len(depth) < 5:
            depth.append(client.get(key))
            depth[-1].send(None)
    async with client_on(server, trace=trace) as client:
        await client.get(key)
        assert len(depth) == 5
        for command in depth:
            command.close()


async def test_what_is_under_way_at_the_end_is_told():
    events = []
    async with scripted(silent) as place:
        client = await emcache.create_client([place.address], trace=events.append, timeout=None)
        task = asyncio.ensure_future(client.get(b"k"))
        await ticks()
        await client.close()
        await asyncio.gather(task, return_exceptions=True)
    assert [(event.ended, event.status) for event in events] == [(False, "ok"), (True, "cancelled")]


async def test_a_cancelled_one_is_told():
    events = []
    async with scripted(silent) as place, client_on(place, trace=events.append, timeout=None) as client:
        task = asyncio.ensure_future(client.get(b"k"))
        await ticks()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await eventually(lambda: len(events) == 2)
        assert (events[1].status, events[1].failed) == ("cancelled", True)


@pytest.mark.parametrize("bad", [1, "trace", [print]], ids=repr)
async def test_a_trace_that_can_not_be_called_is_refused(server, bad):
    with pytest.raises(TypeError, match="trace"):
        await emcache.create_client([server.address], trace=bad)


@pytest.mark.one_loop
@pytest.mark.filterwarnings("ignore::ResourceWarning")
async def test_a_trace_that_holds_its_client_is_collected_with_it(server, key):
    class Trace:
        client = None

        def __call__(self, event):
            pass
    trace = Trace()
    trace.client = await emcache.create_client([server.address], trace=trace)
    await trace.client.set(key, b"v")
    gone = weakref.ref(trace)
    del trace
    await ticks()
    gc.collect()
    assert gone() is None


async def test_many_events_in_one_turn_are_all_told(server, key):
    events = []
    async with client_on(server, trace=events.append, timeout=20.0) as client:
        names = [key + b":%d" % number * 20 for number in range(500)]
        await asyncio.gather(*[client.set(name[:200], b"v") for name in names])
    assert len(events) == 1000 and {event.key for event in events} == {name[:200] for name in names}

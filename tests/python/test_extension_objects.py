"""The extension's own objects: what an operation is to a Task, what an Item is beside its dataclass, what the garbage collector sees."""
import asyncio
import contextlib
import collections.abc
import contextvars
import copy
import dataclasses
import gc
import os
import pickle
import threading
import warnings
import weakref

import pytest

import emcache
from clients import client_on
from emcache import _emcache
from running import eventually
from scripted import scripted

pytestmark = pytest.mark.beyond


async def test_an_operation_is_a_coroutine_first_and_a_future_then(server, key):
    async with client_on(server) as client:
        operation = client.get(key)
        assert isinstance(operation, collections.abc.Coroutine) and asyncio.iscoroutine(operation)
        assert not asyncio.isfuture(operation) and operation._asyncio_future_blocking is None
        assert operation.send(None) is operation
        assert operation._asyncio_future_blocking is True
        operation._asyncio_future_blocking = False
        woken = asyncio.get_running_loop().create_future()
        operation.add_done_callback(woken.set_result)
        assert await woken is operation and operation.done() and operation.result() is None
        with pytest.raises(StopIteration):
            operation.send(None)
        with pytest.raises(RuntimeError, match="already awaited"):
            operation.send(None)


async def test_a_bound_add_done_callback_holds_its_operation(server, key):
    async with client_on(server) as client:
        operation = client.get(key)
        operation.send(None)
        first, second = operation.add_done_callback, operation.add_done_callback
        with pytest.raises(TypeError):
            first()
        with pytest.raises(TypeError):
            first(print, wrong=None)
        with pytest.raises(TypeError):
            first(print, context=None, wrong=None)
        del operation, first
        woken = asyncio.get_running_loop().create_future()
        second(woken.set_result, context=contextvars.copy_context())
        with pytest.raises(RuntimeError, match="awaited already"):
            second(woken.set_result)
        del second
        assert (await woken).result() is None


async def test_one_that_nobody_awaited_warns_each_time(server, key):
    async with client_on(server) as client:
        for _ in range(3):
            assert await client.get(key) is None  # memory that is used again remembers nothing
            with pytest.warns(RuntimeWarning, match="'Client.get' was never awaited"):
                client.get(key)
                gc.collect()


async def test_memory_that_is_used_again_holds_nothing_of_the_one_before(server, key):
    async with client_on(server) as client:
        await client.set(key, b"v", flags=7)
        assert await client.gets(key, return_flags=True) != await client.get(key)
        assert await client.get(key) == emcache.Item(b"v", None, None)
        with pytest.raises(emcache.NotStoredStorageCommandError):
            await client.add(key, b"w")
        assert await client.get(key) == emcache.Item(b"v", None, None)
        items = [await client.get(key) for _ in range(300)]
        assert len({id(item) for item in items}) == 300
        del items
        assert await client.get(key) == emcache.Item(b"v", None, None)


async def test_the_first_send_takes_only_none(server, key):
    async with client_on(server) as client:
        operation = client.get(key)
        with pytest.raises(TypeError):
            operation.send(1)
        await operation


async def test_results_come_with_stop_iteration_to_whoever_sends(server, key):
    async with client_on(server) as client:
        await client.set(key, b"v")
        operation = client.get(key)
        operation.send(None)
        operation._asyncio_future_blocking = False
        woken = asyncio.get_running_loop().create_future()
        operation.add_done_callback(woken.set_result)
        await woken
        with pytest.raises(StopIteration) as caught:
            next(operation)
        assert caught.value.value == emcache.Item(b"v", None, None)


async def test_close_before_and_after_the_first_send(server, key):
    async with client_on(server) as client:
        operation = client.get(key)
        operation.close()
        operation.close()
        with pytest.raises(RuntimeError):
            operation.send(None)
        operation = client.get(key)
        operation.send(None)
        operation.close()
        await asyncio.sleep(0)
        assert client.pending in (0, 1)  # the engine tells in its next pass
        assert await client.get(key) is None and client.pending == 0


@pytest.mark.parametrize("end", [lambda operation: operation.close(), lambda operation: operation.throw(KeyError("thrown"))], ids=["close", "throw"])
async def test_one_that_is_ended_under_its_task_does_not_leave_it_waiting(server, key, end):
    """As with coroutines of Python's: the Task goes on, and hears that it is too late."""
    async def wait(operation):
        await operation

    async with client_on(server, timeout=20.0) as client:
        for make in (asyncio.ensure_future, wait):
            operation = client.get(key)
            task = asyncio.ensure_future(make(operation))
            await asyncio.sleep(0)
            with contextlib.suppress(KeyError):
                end(operation)
            with pytest.raises(RuntimeError, match="already awaited"):
                await asyncio.wait_for(task, 20)
        assert await client.get(key) is None


async def test_throw_takes_the_old_and_the_new_form(server, key):
    async with client_on(server) as client:
        for arguments in ((KeyError("x"),), (KeyError, "x"), (KeyError, KeyError("x"), None), (KeyError,)):
            with pytest.raises(KeyError):
                client.get(key).throw(*arguments)
        operation = client.get(key)
        with pytest.raises(TypeError):
            operation.throw("no exception")
        operation.close()


async def test_a_dropped_client_is_collected_at_once(server, key):
    client = await emcache.create_client([server.address])
    await client.get(key)
    await asyncio.sleep(0)
    gone = weakref.ref(client)
    gc.disable()
    try:
        with pytest.warns(ResourceWarning, match="unclosed emcache client"):
            del client
        assert gone() is None
    finally:
        gc.enable()


async def test_a_client_dropped_in_another_thread_is_ended_in_its_own(server, key):
    client = await emcache.create_client([server.address])
    await client.get(key)
    await asyncio.sleep(0)
    holder = [client]
    del client

    def drop():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            holder.clear()
            gc.collect()
    before = len(os.listdir("/proc/self/fd"))
    thread = threading.Thread(target=drop)
    thread.start()
    thread.join()
    await eventually(lambda: len(os.listdir("/proc/self/fd")) < before)
    async with client_on(server) as another:
        assert await another.get(key) is None


async def test_a_client_with_work_under_way_is_held_by_its_loop(server, key):
    client = await emcache.create_client([server.address])
    await client.set(key, b"v")
    task = asyncio.ensure_future(client.get(key))
    await asyncio.sleep(0)
    gone = weakref.ref(client)
    del client
    gc.collect()
    assert (await task).value == b"v"
    if gone() is not None:
        await gone().close()


async def test_a_cycle_through_a_callback_is_collected(server, key):
    async with client_on(server) as client:
        class Holder:
            pass
        holder = Holder()
        holder.operation = client.get(key)
        holder.operation.send(None)
        holder.operation.add_done_callback(lambda _, holder=holder: None)
        gone = weakref.ref(holder)
        holder.operation.close()
        del holder
        await asyncio.sleep(0.05)
        gc.collect()
        assert gone() is None


@pytest.mark.parametrize("bound_before", [False, True], ids=["bound in flight", "bound before"])
def test_a_cycle_through_a_bound_add_done_callback_is_collected(bound_before):
    """Of a command that is under way when its loop is given up: the method in the callback holds nothing that the collector can't see."""
    async def begin(place):
        client = await emcache.create_client([place.address], timeout=None)
        operation = client.get(b"key")
        add = operation.add_done_callback if bound_before else None
        operation.send(None)
        add = add or operation.add_done_callback

        def callback(_):
            return add, callback
        add(callback)
        return weakref.ref(client), weakref.ref(callback)

    async def silent(talk):
        await talk.silence()

    async def serve():
        async with scripted(silent) as place:
            gone = await begin(place)
            await asyncio.sleep(0.02)
            return gone

    loop = asyncio.new_event_loop()
    client, callback = loop.run_until_complete(serve())
    assert client() is not None and callback() is not None
    loop.close()
    del loop
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
    assert client() is None and callback() is None


async def test_a_bound_add_done_callback_outlives_everything(server, key):
    """Its memory is its operation's."""
    client = await emcache.create_client([server.address])
    before, during = client.get(key), client.get(key)
    early = before.add_done_callback
    during.send(None)
    late = during.add_done_callback
    before.close()
    del before, during
    gc.collect()
    await client.close()
    del client
    gc.collect()
    for add in (early, late):
        told = asyncio.get_running_loop().create_future()
        add(told.set_result)
        assert (await told).done()


async def test_a_command_that_nobody_awaits_takes_no_callback(server, key):
    async with client_on(server) as client:
        operation = client.get(key)
        with pytest.raises(RuntimeError, match="not awaited yet"):
            operation.add_done_callback(print)
        assert await operation is None


async def test_many_operations_leave_no_objects(server, key):
    async with client_on(server) as client:
        await client.set(key, b"v")

        async def round_trips():
            await asyncio.gather(*[client.get(key) for _ in range(100)])
            await client.get_many([key, key + b":none"])
            with pytest.raises(emcache.NotFoundCommandError):
                await client.touch(key + b":none", 1)
        await round_trips()
        gc.collect()
        before = sum(isinstance(one, (_emcache.Operation, _emcache.Item)) for one in gc.get_objects())
        for _ in range(5):
            await round_trips()
        gc.collect()
        assert sum(isinstance(one, (_emcache.Operation, _emcache.Item)) for one in gc.get_objects()) <= before


def test_an_item_behaves_as_the_dataclass_it_stands_for():
    item = emcache.Item(b"v", 1, cas=2)
    assert dataclasses.is_dataclass(item) and dataclasses.astuple(item) == (b"v", 1, 2)
    assert dataclasses.replace(item, flags=9) == emcache.Item(b"v", 9, 2)
    assert pickle.loads(pickle.dumps(item)) == item and copy.copy(item) == item
    assert repr(item) == "Item(value=b'v', flags=1, cas=2)"
    assert item != emcache.Item(b"v", 1, 3) and item != (b"v", 1, 2)
    with pytest.raises(TypeError):
        hash(item)
    with pytest.raises(TypeError):
        emcache.Item()


def test_an_item_in_a_cycle_is_collected():
    class Value:
        pass
    value = Value()
    item = emcache.Item(value, None, None)
    value.item = item
    gone = weakref.ref(value)
    del value, item
    gc.collect()
    assert gone() is None


async def test_an_item_from_the_server_may_be_put_into_a_cycle(server, key):
    class Value:
        pass
    async with client_on(server) as client:
        await client.set(key, b"v")
        item = await client.get(key)
        value = Value()
        value.item, item.value = item, value
        gone = weakref.ref(value)
        del value, item
        gc.collect()
        assert gone() is None


@pytest.mark.parametrize("name", ["Operation", "Reader", "ClusterManagment"])
def test_what_only_the_extension_makes_can_not_be_made(name):
    with pytest.raises(TypeError):
        getattr(_emcache, name)()


def internal_client(loop, server, options, weights=None):
    return _emcache.Client(loop, (server.address,), weights, options, (), lambda entries: None, None, False, False, False)


async def test_the_internal_constructor_refuses_nonsense(server):
    loop = asyncio.get_running_loop()
    for options in ({"nonsense": 1}, {"timeout_ms": "x"}, {"connections_max": "x"}, {"key_prefix": 1}, {"hash_tag_open": "ab"}, {"key_prefix": "a\0b"}):
        with pytest.raises((TypeError, ValueError)):
            internal_client(loop, server, options)
    with pytest.raises(TypeError):
        internal_client(loop, server, {}, weights=5)


async def test_a_value_above_the_copied_size_is_held_until_it_is_sent(server, key):
    """Bytes are borrowed by the engine: nothing else holds them here."""
    async with client_on(server, timeout=20.0) as client:
        tasks = [asyncio.ensure_future(client.set(key + b":%d" % number, bytes([number]) * 700_000)) for number in range(20)]
        await asyncio.sleep(0)
        junk = [b"z" * 700_000 for _ in range(20)]
        await asyncio.gather(*tasks)
        del junk
        for number in range(20):
            assert (await client.get(key + b":%d" % number)).value == bytes([number]) * 700_000

"""The engine's hooks: nothing of Python's runs inside of those that must not call into the engine."""
import asyncio
import gc
import socket
import sys

import pytest

import emcache
from clients import client_on
from emcache import _emcache
from running import eventually

pytestmark = pytest.mark.beyond

ELSEWHERE = emcache.MemcachedHostAddress("127.0.0.1", 1)


class Witness:
    """Garbage that, when the collector finds it, asks how many connections there are."""

    def __init__(self, client):
        self.client, self.itself, self.saw = client, self, client.saw
        del client.saw

    def __del__(self):
        metrics = self.client.management.connection_pool_metrics()
        self.saw.append([one.cur_connections for one in metrics.values()])


class Subject:
    """What the witness holds of a client, so that it does not keep it alive."""

    def __init__(self, client):
        self.management, self.saw = client.cluster_management(), []


def answer_version(listener):
    stream, _ = listener.accept()
    stream.settimeout(20)
    assert stream.recv(100) == b"version\r\n"
    stream.sendall(b"VERSION 1.6.40\r\n")
    return stream


def use_up_the_spare_tuples():
    """Those that are kept for reuse are handed out without the collector being asked."""
    return [tuple([number] * length) for length in range(2, 7) for number in range(2500)]


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="the collector runs between two steps of Python code alone")
async def test_a_log_line_does_not_wake_the_collector_inside_the_engine():
    """The engine tells of nonsense on a connection before it closes it: who sees the connection has run in between."""
    loop = asyncio.get_running_loop()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        async with client_on(emcache.MemcachedHostAddress(*listener.getsockname()), max_connections=1) as client:
            stream = await loop.run_in_executor(None, answer_version, listener)
            management = client.cluster_management()
            await eventually(lambda: [one.cur_connections for one in management.connection_pool_metrics().values()] == [1])
            reader, = [one for one in gc.get_objects() if isinstance(one, _emcache.Reader) and one.get_loop() is loop]
            subject, thresholds = Subject(client), gc.get_threshold()
            saw, spares = subject.saw, use_up_the_spare_tuples()
            del client

            def take_in_the_nonsense():
                gc.collect()
                gc.disable()
                Witness(subject)
                gc.set_threshold(1, 1000, 1000)
                gc.enable()
                try:
                    reader.process()
                finally:
                    gc.set_threshold(*thresholds)
            with stream:
                stream.sendall(b"NONSENSE\r\n")
                loop.call_soon(take_in_the_nonsense)  # before the loop looks at the descriptor
                await asyncio.sleep(0)
            del spares
            gc.collect()
            assert saw == [[0]]


class Cancelling(bytes):
    """A key that cancels its command when it is put into the dict of what was found."""
    task = None

    def __hash__(self):
        if self.task is not None:
            self.task.cancel()
        return hash(bytes(self))


@pytest.mark.parametrize("count", [1, 3])
async def test_a_key_whose_hash_cancels_its_command(server, key, count):
    async with client_on(server, timeout=20.0) as client:
        await client.set(key, b"v")
        for command in (client.get_many, client.delete_many):
            keys = [Cancelling(key) for _ in range(count)]
            task = asyncio.ensure_future(command(keys))
            for one in keys:
                one.task = task
            with pytest.raises(asyncio.CancelledError):
                await task
        assert (await client.get(key)) is None


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="the collector runs between two steps of Python code alone")
@pytest.mark.parametrize("line", [b"NOT_FOUND\r\n", b"SERVER_ERROR no\r\n"])
async def test_a_command_that_the_collector_cancels_as_it_fails_is_cancelled(line):
    """To make the exception wakes the collector, and what that finds cancels the command: a cancellation is never lost."""
    class Canceller:
        def __init__(self, task):
            self.task, self.itself = task, self

        def __del__(self):
            self.task.cancel()

    loop = asyncio.get_running_loop()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        async with client_on(emcache.MemcachedHostAddress(*listener.getsockname()), max_connections=1, timeout=20.0) as client:
            stream = await loop.run_in_executor(None, answer_version, listener)
            reader, = [one for one in gc.get_objects() if isinstance(one, _emcache.Reader) and one.get_loop() is loop]
            task, thresholds, spares = asyncio.ensure_future(client.delete(b"key")), gc.get_threshold(), use_up_the_spare_tuples()
            with stream:
                assert await loop.run_in_executor(None, stream.recv, 100) == b"delete key\r\n"

                def take_in_the_answer():
                    stream.sendall(line)
                    gc.collect()
                    gc.disable()
                    Canceller(task)
                    gc.set_threshold(1, 1000, 1000)
                    gc.enable()
                    try:
                        reader.process()
                    finally:
                        gc.set_threshold(*thresholds)
                loop.call_soon(take_in_the_answer)
                with pytest.raises(asyncio.CancelledError):
                    await task
            del spares


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="the collector runs between two steps of Python code alone")
@pytest.mark.parametrize("report", ["nodes", "node_states", "operation_metrics", "connection_pool_metrics"])
async def test_a_node_that_the_collector_removes_while_it_is_reported(server, report):
    """The reports are of those that are left, or of those that were there."""
    class Remover:
        def __init__(self, management):
            self.management, self.itself = management, self

        def __del__(self):
            self.management.remove_node(ELSEWHERE)

    async with client_on(server) as client:
        management, thresholds, spares = client.cluster_management(), gc.get_threshold(), use_up_the_spare_tuples()
        for allocations in range(1, 20):
            management.add_node(ELSEWHERE)
            gc.collect()
            gc.disable()
            Remover(management)
            gc.set_threshold(allocations, 1000, 1000)
            gc.enable()
            try:
                seen = getattr(management, report)()
            finally:
                gc.set_threshold(*thresholds)
            gc.collect()
            assert server.address in seen and management.nodes() == [server.address]
        del spares


class Closing(emcache.MemcachedHostAddress):
    """An address that closes the client when it is asked for its port."""
    command = None

    def __getattribute__(self, name):
        command = type(self).command
        if name == "port" and command is not None:
            type(self).command = None
            command.send(None)
        return super().__getattribute__(name)


async def test_an_address_that_closes_the_client_as_it_is_read(server):
    for make in (lambda client, address: client.version(address), lambda client, address: client.stats(address, "slabs")):
        async with client_on(server) as client:
            operation = make(client, Closing("127.0.0.1", server.address.port))
            Closing.command = client.close()
            with pytest.raises(RuntimeError, match="closed"):
                await operation
            assert client.closed


@pytest.mark.one_loop
async def test_a_loop_whose_time_closes_the_client(server, key):
    """It is asked for when a command has to wait for room, and when room is there again."""
    loop, commands = asyncio.get_running_loop(), []

    def time():
        if commands and sys._getframe(1).f_code.co_name not in ("_run_once", "call_later", "call_at"):  # those are asyncio's own questions
            commands.pop().send(None)
        return type(loop).time(loop)
    loop.time = time
    try:
        for at in range(2):
            async with client_on(server, engine_options={"operations_max": 1}, timeout=20.0) as client:
                first, second = asyncio.ensure_future(client.get(key)), asyncio.ensure_future(client.get(key))
                if at == 1:
                    await asyncio.sleep(0)
                    assert client.pending == 2
                commands.append(client.close())
                results = await asyncio.gather(first, second, return_exceptions=True)
                assert isinstance(results[1], RuntimeError) and not commands and client.closed
    finally:
        del loop.time


class Lender(bytearray):
    """The owner of a value: uses the client as soon as nobody looks at the value any more."""

    def __init__(self, size, client, done):
        super().__init__(size)
        self.client, self.done = client, done

    def __del__(self):
        management = self.client.cluster_management()
        management.add_node(ELSEWHERE)
        management.remove_node(ELSEWHERE)
        operation = self.client.set(b"another", b"v" * 100_000)
        operation.send(None)
        operation.close()
        self.done.append([one.in_flight for one in management.operation_metrics().values()])


@pytest.mark.parametrize("cancelled", [False, True])
async def test_a_value_that_comes_back_may_use_the_client(server, key, cancelled):
    async with client_on(server, timeout=20.0) as client:
        for _ in range(10):
            done = []
            task = asyncio.ensure_future(client.set(key, memoryview(Lender(900_000, client, done)).toreadonly()))
            await asyncio.sleep(0)
            assert not done
            if cancelled:
                task.cancel()
            await asyncio.wait([task])
            del task
            await eventually(lambda done=done: done)
            await client.set(key, b"v")
            assert (await client.get(key)).value == b"v"


async def test_a_value_is_back_when_its_command_is_over(server, key):
    async with client_on(server, timeout=20.0) as client:
        for _ in range(20):
            view = memoryview(b"v" * 500_000)
            await client.set(key, view)
            view.release()
        views = [memoryview(bytes([number]) * 200_000) for number in range(30)]
        await asyncio.gather(*[client.set(key + b":%d" % number, view) for number, view in enumerate(views)])
        for view in views:
            view.release()


async def test_large_values_of_a_bulk_find_their_homes(cluster, key):
    """Several are received at once, on several connections; some keys are missing, some small."""
    async with client_on(*cluster, timeout=20.0) as client:
        values = {key + b":%d" % number: bytes([number]) * (200_000 if number % 3 else 5) for number in range(60)}
        await client.set_many(values)
        for _ in range(3):
            found = await client.get_many([*values, key + b":none"])
            assert {name: item.value for name, item in found.items()} == values

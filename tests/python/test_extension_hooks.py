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

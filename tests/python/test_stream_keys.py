"""stream_keys: a node's keys as they come, with bounded memory, and an end whenever one wants."""
import asyncio
import contextlib
import gc
import threading
import warnings
import weakref

import pytest

import emcache
from clients import client_on
from running import eventually, ticks
from scripted import scripted

pytestmark = pytest.mark.beyond

LINE = b"key=endless%%3A%09d exp=-1 la=1 cas=2 fetch=no cls=1 size=63\n"


class Endless:
    """A server whose dump never ends; how much of it has gone, and whether its connection is still there."""

    def __init__(self, end_after=None):
        self.sent, self.number, self.dumps, self.gone, self.end_after = 0, 0, 0, 0, end_after

    async def __call__(self, talk):
        line = await talk.line()
        if line is None or not line.startswith(b"lru_crawler"):
            while line is not None and line.startswith(b"get "):  # the client's own connection
                talk.send(b"END\r\n")
                line = await talk.line()
            if line is None or not line.startswith(b"lru_crawler"):
                return
        self.dumps += 1
        try:
            await self.dump(talk)
        finally:
            self.gone += 1

    async def dump(self, talk):
        while self.end_after is None or self.number < self.end_after:
            lines = b"".join(LINE % (self.number + one) for one in range(500))
            self.number += 500
            with contextlib.suppress(ConnectionError):
                talk.send(lines)
                await talk.writer.drain()
                self.sent += len(lines)
                continue
            return
        talk.send(b"END\r\n")
        await talk.line()


async def stands_still(endless, turns=30):
    """Awaits that nothing more of the dump goes."""
    same, before = 0, -1
    while same < turns:
        same, before = (same + 1 if endless.sent == before else 0), endless.sent
        await asyncio.sleep(0.01)
    return before


async def filled(client, key, count):
    names = [key + b":%d" % number for number in range(count)]
    for first in range(0, count, 1000):
        await client.set_many({name: b"v" for name in names[first:first + 1000]})
    return set(names)


async def streamed(client, address, **options):
    """All of it; again while the server's crawler is still busy with the one before."""
    while True:
        try:
            return [entry async for entry in client.stream_keys(address, **options)]
        except emcache.UnsupportedCommandError:
            raise
        except emcache.CommandError:
            await asyncio.sleep(0.05)


@pytest.fixture
def own_server(start):
    return start("-m", "64")


async def test_every_key_comes_with_its_line(own_server, key):
    async with client_on(own_server, timeout=20.0) as client:
        keys = await filled(client, key, 3000)
        entries = await streamed(client, own_server.address)
        assert {name for name, _ in entries} == keys and len(entries) == 3000
        assert all(line.startswith(b"key=") and b" exp=-1 " in line for _, line in entries)
        if tuple(map(int, (await client.version(own_server.address)).split(".")[:3])) >= (1, 6, 19):
            assert {name for name, _ in await streamed(client, own_server.address, keys_only=True)} == keys
        else:
            with pytest.raises(emcache.UnsupportedCommandError):
                await streamed(client, own_server.address, keys_only=True)


async def test_the_keys_alone_are_asked_for_otherwise():
    async def answer(talk):
        while (line := await talk.line()) is not None:
            assert line == b"lru_crawler mgdump all"
            talk.send(b"mg one\r\nmg two\r\nEN\r\n")

    async with scripted(answer) as place, client_on(place, timeout=20.0) as client:
        assert await streamed(client, place.address, keys_only=True) == [(b"one", b"mg one"), (b"two", b"mg two")]


async def test_a_server_without_a_key_gives_none(own_server):
    async with client_on(own_server, timeout=20.0) as client:
        assert await streamed(client, own_server.address) == []


async def test_nothing_is_asked_before_the_first_step():
    endless = Endless()
    async with scripted(endless) as place, client_on(place, timeout=20.0) as client:
        assert await client.get(b"key") is None
        stream = client.stream_keys(place.address)
        await ticks(10)
        assert len(place.talks) == 1
        await stream.aclose()
        with pytest.raises(StopAsyncIteration):
            await stream.__anext__()
        await ticks(10)
        assert len(place.talks) == 1 and endless.dumps == 0


async def test_memory_is_bounded_by_a_consumer_that_is_slow():
    endless = Endless()
    async with scripted(endless) as place, client_on(place, timeout=20.0) as client:
        async with contextlib.AsyncExitStack() as stack:
            stream = client.stream_keys(place.address)
            stack.push_async_callback(stream.aclose)
            for number in range(3):
                key, line = await stream.__anext__()
                assert key == b"endless:%09d" % number and line == (LINE % number).strip()
            first = await stands_still(endless)
            assert first < 32 << 20  # what lies in the system's buffers, and what one pass takes in
            for number in range(3, 200_000):
                key, _ = await stream.__anext__()
                assert key == b"endless:%09d" % number
            second = await stands_still(endless)
            assert first < second < first + (32 << 20)
        await eventually(lambda: endless.gone == 1)


async def test_other_commands_do_not_wait_for_a_dump_that_stands_still():
    endless = Endless()
    async with scripted(endless) as place, client_on(place, timeout=5.0, max_connections=1) as client:
        stream = client.stream_keys(place.address)
        await stream.__anext__()
        await stands_still(endless, turns=5)
        assert await client.get(b"key") is None
        assert await client.get(b"other") is None
        await stream.aclose()


async def test_a_dump_taken_slowly_outlives_every_limit_of_the_client():
    endless = Endless(end_after=100_000)
    async with scripted(endless) as place, client_on(place, timeout=0.3, engine_options={"health_silence_ms": 0.1, "keepalive_ms": 0.1}) as client:
        count = 0
        async for _ in client.stream_keys(place.address):
            count += 1
            if count in (1, 50_000):
                await asyncio.sleep(0.7)
        assert count == 100_000


async def test_leaving_the_loop_ends_the_work():
    endless = Endless()
    async with scripted(endless) as place, client_on(place, timeout=20.0) as client:
        async for key, _ in client.stream_keys(place.address):
            if key == b"endless:%09d" % 1000:
                break
        await eventually(lambda: endless.gone == 1)
        for turn in range(2, 6):
            stream = client.stream_keys(place.address)
            await stream.__anext__()
            await stream.aclose()
            await eventually(lambda turn=turn: endless.gone == turn)
        assert endless.dumps == 5


async def test_it_is_cancelled_while_it_waits():
    async def silent(talk):
        try:
            while (line := await talk.line()) is not None:
                asked.append(line)
        finally:
            ended.append(True)

    asked, ended = [], []

    async def consume(stream):
        async for _ in stream:
            raise AssertionError("nothing was sent")

    async with scripted(silent) as place, client_on(place, timeout=None) as client:
        task = asyncio.ensure_future(consume(client.stream_keys(place.address)))
        await eventually(lambda: asked)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await eventually(lambda: ended)
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(consume(client.stream_keys(place.address)), 0.05)
        await eventually(lambda: len(ended) == 2)


async def test_it_is_cancelled_before_it_is_connected_and_in_the_loops_body():
    endless, taken = Endless(), []

    async def consume(stream, wait):
        async for key, _ in stream:
            taken.append(key)
            await wait()

    async with scripted(endless) as place, client_on(place, timeout=20.0) as client:
        task = asyncio.ensure_future(consume(client.stream_keys(place.address), asyncio.Event().wait))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        task = asyncio.ensure_future(consume(client.stream_keys(place.address), asyncio.Event().wait))
        await eventually(lambda: taken)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        del task
        gc.collect()
        await eventually(lambda: endless.gone == endless.dumps == 1)


async def test_a_server_that_says_nothing_is_a_timeout():
    async def some(talk):
        while await talk.line() is not None:
            talk.send(b"".join(LINE % number for number in range(5)))

    async with scripted(some) as place, client_on(place, timeout=0.1) as client:
        for options in ({}, {"timeout": 0.05}):
            keys = []
            with pytest.raises(asyncio.TimeoutError, match=r"no key came within 0\.\d+ seconds \(node 127"):
                async for key, _ in client.stream_keys(place.address, **options):
                    keys.append(key)
            assert len(keys) == 5


async def test_a_connection_that_breaks_is_told_after_what_came():
    async def breaks(talk):
        await talk.line()
        talk.send(b"".join(LINE % number for number in range(5)))

    async with scripted(breaks) as place, client_on(place, timeout=5.0) as client:
        keys = []
        with pytest.raises(emcache.ConnectionLostError):
            async for key, _ in client.stream_keys(place.address):
                keys.append(key)
        assert len(keys) == 5


@pytest.mark.parametrize("answer, kind", [(b"BUSY currently processing crawler request\r\n", "CommandError"), (b"ERROR\r\n", "UnsupportedCommandError"),
                                          (b"NONSENSE\r\n", "CommandError")], ids=["busy", "unknown", "nonsense"])
async def test_what_a_server_refuses(answer, kind):
    async def refuses(talk):
        while await talk.line() is not None:
            talk.send(answer)

    async with scripted(refuses) as place, client_on(place, timeout=5.0) as client:
        with pytest.raises(getattr(emcache, kind)):
            async for _ in client.stream_keys(place.address):
                pass


@pytest.mark.one_loop
async def test_a_node_that_is_down(start):
    server = start()
    async with client_on(server, timeout=5.0) as client:
        server.kill()
        with pytest.raises(asyncio.TimeoutError):
            async for _ in client.stream_keys(server.address):
                pass


async def test_two_dumps_of_two_nodes_at_once(start, key):
    servers = [start("-m", "64") for _ in range(2)]
    async with client_on(*servers, timeout=20.0) as client:
        keys = await filled(client, key, 2000)
        first, second = await asyncio.gather(*[streamed(client, server.address) for server in servers])
        assert {name for name, _ in first} | {name for name, _ in second} == keys and len(first) + len(second) == 2000


async def test_bad_input_is_refused_at_the_call(server):
    async with client_on(server) as client:
        address = server.address
        for call in (lambda: client.stream_keys("localhost"), lambda: client.stream_keys(), lambda: client.stream_keys(address, True), lambda: client.stream_keys(address, timeout="1"),
                     lambda: client.stream_keys(address, nonsense=1), lambda: client.stream_keys(emcache.MemcachedHostAddress("h", "1"))):
            with pytest.raises(TypeError):
                call()
        for call in (lambda: client.stream_keys(address, timeout=0), lambda: client.stream_keys(address, timeout=-1), lambda: client.stream_keys(emcache.MemcachedHostAddress("h", 0))):
            with pytest.raises(ValueError):
                call()
        with pytest.raises(ValueError, match="no such node"):
            await client.stream_keys(emcache.MemcachedHostAddress("127.0.0.1", 1)).__anext__()


async def test_a_client_closed_meanwhile_raises():
    endless = Endless()
    async with scripted(endless) as place:
        async with client_on(place, timeout=20.0) as client:
            between, waiting = client.stream_keys(place.address), client.stream_keys(place.address)
            await between.__anext__()

            async def exhaust():
                async for _ in waiting:
                    pass
            task = asyncio.ensure_future(exhaust())
            await eventually(lambda: endless.dumps == 2)
        with pytest.raises(RuntimeError, match="closed"):
            await task
        with pytest.raises(RuntimeError, match="closed"):
            async for _ in between:
                pass
        with pytest.raises(RuntimeError, match="closed"):
            await client.stream_keys(place.address).__anext__()
        await eventually(lambda: endless.gone == 2)


async def test_another_thread_is_refused(server):
    async with client_on(server) as client:
        errors = []

        async def take():
            async for _ in client.stream_keys(server.address):
                pass

        def elsewhere():
            with contextlib.suppress(AssertionError):
                try:
                    asyncio.run(take())
                except RuntimeError as error:
                    errors.append(str(error))
        thread = threading.Thread(target=elsewhere)
        thread.start()
        await asyncio.get_running_loop().run_in_executor(None, thread.join)
        assert len(errors) == 1 and "thread" in errors[0]


async def test_it_holds_its_client_and_lets_it_go():
    async with scripted(Endless()) as place:
        client = await emcache.create_client([place.address], timeout=20.0)
        stream, gone = client.stream_keys(place.address), weakref.ref(client)
        del client
        gc.collect()
        assert gone() is not None
        await stream.__anext__()
        gc.collect()
        await gone().close()
        await stream.aclose()
        del stream
        await ticks()
        gc.collect()
        assert gone() is None


@pytest.mark.one_loop
async def test_a_stream_that_is_dropped_leaves_nothing(own_server, key):
    import os
    async with client_on(own_server, timeout=20.0) as client:
        await filled(client, key, 2000)

        async def first():
            with contextlib.suppress(emcache.CommandError):  # busy with the one before
                async for _ in client.stream_keys(own_server.address):
                    return
        await first()
        await ticks(5)
        gc.collect()
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(20):
            await first()
        await eventually(lambda: len(os.listdir("/proc/self/fd")) <= before)


def test_one_that_a_closed_loop_left_behind_is_collected(server):
    async def begin():
        client = await emcache.create_client([server.address], timeout=20.0)
        await client.set(b"left", b"behind")
        stream = client.stream_keys(server.address)
        with contextlib.suppress(emcache.CommandError):
            await stream.__anext__()
        return client, stream
    loop = asyncio.new_event_loop()
    client, stream = loop.run_until_complete(begin())
    loop.run_until_complete(client.close())
    loop.close()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        gone = weakref.ref(stream)
        del client, stream
        gc.collect()
    assert gone() is None


async def test_it_reaches_the_server_as_its_client_does(tls_server, certificates, key, tmp_path):
    async with client_on(tls_server, ssl=True, ssl_extra_ca=certificates.authority, timeout=20.0) as client:
        await client.set(key, b"v")
        assert key in {name for name, _ in await streamed(client, tls_server.address)}
        client.reload_ssl()  # the authority is not trusted any more
        with pytest.raises(asyncio.TimeoutError):
            async for _ in client.stream_keys(tls_server.address):
                pass
        client.reload_ssl(ssl_extra_ca=certificates.authority)
        assert key in {name for name, _ in await streamed(client, tls_server.address)}


async def test_it_says_the_credentials_of_the_moment(start, key, tmp_path):
    (tmp_path / "users").write_text("name:word\nother:thing\n", encoding="ascii")
    server = start("-Y", str(tmp_path / "users"))
    async with client_on(server, username="name", password="word", timeout=20.0) as client:
        await client.set(key, b"v")
        assert [name for name, _ in await streamed(client, server.address)] == [key]
        client.set_credentials("name", "wrong")
        with pytest.raises((emcache.AuthenticationError, asyncio.TimeoutError)):
            async for _ in client.stream_keys(server.address):
                pass
        client.set_credentials("other", "thing")
        assert [name for name, _ in await streamed(client, server.address)] == [key]


async def test_it_is_traced(own_server, key):
    events = []
    async with client_on(own_server, timeout=20.0, trace=events.append) as client:
        await client.set(key, b"v")
        del events[:]
        await streamed(client, own_server.address)
        assert [(event.ended, event.status) for event in events if event.command.startswith("lru_crawler")][-1] == (True, "ok")

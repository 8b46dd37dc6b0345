"""Cancellation at every point where an operation may stand; what follows is right, and costs no connection."""
import asyncio
import random
import sys

import pytest

import emcache
from clients import client_on
from running import eventually, ticks
from scripted import scripted


async def silent(talk):
    await talk.silence()


async def cancelled(task, *message):
    task.cancel(*message)
    with pytest.raises(asyncio.CancelledError) as caught:
        await task
    assert task.cancelled()
    return caught.value


async def test_before_the_first_step_nothing_is_sent(server, key):
    async with client_on(server) as client:
        await cancelled(asyncio.ensure_future(client.set(key, b"v")))
        await ticks(10)
        assert await client.get(key) is None


async def test_before_the_first_step_inside_a_frame(server, key):
    async with client_on(server) as client:
        async def frame():
            await client.set(key, b"v")
        await cancelled(asyncio.ensure_future(frame()))
        assert await client.get(key) is None


@pytest.mark.parametrize("turns", range(1, 6))
async def test_after_any_number_of_turns(server, key, turns):
    async with client_on(server) as client:
        await client.set(key, b"v")
        for call in (lambda: client.get(key), lambda: client.set(key, b"v"), lambda: client.get_many([key, key + b":2"]), lambda: client.gat(0, key)):
            task = asyncio.ensure_future(call())
            await ticks(turns)
            if not task.done():
                await cancelled(task)
        assert (await client.get(key)).value == b"v"


@pytest.mark.parametrize("name", ["get", "gets", "get_many", "gat", "gat_many", "set", "cas", "increment", "delete", "touch", "version", "stats"])
async def test_in_flight(name):
    async with scripted(silent) as place, client_on(place, timeout=None) as client:
        call = {"get": lambda: client.get(b"k"), "gets": lambda: client.gets(b"k"), "get_many": lambda: client.get_many([b"k", b"l"]),
                "gat": lambda: client.gat(0, b"k"), "gat_many": lambda: client.gat_many(0, [b"k"]), "set": lambda: client.set(b"k", b"v"),
                "cas": lambda: client.cas(b"k", b"v", 1), "increment": lambda: client.increment(b"k", 1), "delete": lambda: client.delete(b"k"),
                "touch": lambda: client.touch(b"k", 1), "version": lambda: client.version(place.address), "stats": lambda: client.stats(place.address)}[name]
        task = asyncio.ensure_future(call())
        await asyncio.sleep(0.03)
        assert not task.done()
        await cancelled(task)


async def test_while_no_connection_is_there():
    async with client_on(emcache.MemcachedHostAddress("127.0.0.1", 9), timeout=None) as client:
        task = asyncio.ensure_future(client.get(b"k"))
        await ticks(3)
        await cancelled(task)


@pytest.mark.skipif(sys.version_info < (3, 9), reason="the message came with 3.9")
async def test_the_message_is_kept():
    async with scripted(silent) as place, client_on(place, timeout=None) as client:
        async def frame():
            try:
                await client.get(b"k")
            except asyncio.CancelledError as fault:
                assert fault.args == ("because",)
                raise
        task = asyncio.ensure_future(frame())
        await asyncio.sleep(0.02)
        await cancelled(task, "because")


async def test_a_task_that_swallows_its_cancellation_goes_on(server, key):
    async with scripted(silent) as place, client_on(place, timeout=None) as stuck, client_on(server) as client:
        async def frame():
            try:
                await stuck.get(b"k")
            except asyncio.CancelledError:
                pass
            await client.set(key, b"after")
            return (await client.get(key)).value
        task = asyncio.ensure_future(frame())
        await asyncio.sleep(0.02)
        task.cancel()
        assert await task == b"after"


async def test_a_finally_may_use_the_client(server, key):
    async with scripted(silent) as place, client_on(place, timeout=None) as stuck, client_on(server) as client:
        async def frame():
            try:
                await stuck.get(b"k")
            finally:
                await client.set(key, b"cleaned")
        task = asyncio.ensure_future(frame())
        await asyncio.sleep(0.02)
        await cancelled(task)
        assert (await client.get(key)).value == b"cleaned"


async def test_a_task_cancelled_as_its_answer_arrives(server, key):
    """The answer has come and the task was not yet run: it is cancelled all the same, or it is done, never both."""
    async with client_on(server) as client:
        await client.set(key, b"v")
        for _ in range(50):
            tasks = [asyncio.ensure_future(client.get(key)) for _ in range(10)]
            tasks[0].add_done_callback(lambda _, tasks=tasks: [task.cancel() for task in tasks])
            for result in await asyncio.gather(*tasks, return_exceptions=True):
                assert isinstance(result, asyncio.CancelledError) or result.value == b"v"


async def test_one_completion_that_cancels_another(server, key):
    async with client_on(server) as client:
        await client.set(key, b"v")
        for _ in range(30):
            async def first():
                await client.get(key)
                second.cancel()
            one = asyncio.ensure_future(first())
            second = asyncio.ensure_future(client.get(key))
            await one
            result, = await asyncio.gather(second, return_exceptions=True)
            assert isinstance(result, asyncio.CancelledError) or result.value == b"v"


async def test_cancelled_gather_cancels_all(key):
    async with scripted(silent) as place, client_on(place, timeout=None) as client:
        commands = [asyncio.ensure_future(client.get(key + b":%d" % number)) for number in range(50)]
        together = asyncio.gather(*commands)
        await asyncio.sleep(0.02)
        together.cancel()
        with pytest.raises(asyncio.CancelledError):
            await together
        await ticks()
        assert all(one.cancelled() for one in commands)


async def test_cancelling_at_random_never_gives_a_wrong_value(cluster, key):
    rng = random.Random(7)
    async with client_on(*cluster, timeout=10.0) as client:
        names = [key + b":%d" % number for number in range(40)]
        await asyncio.gather(*[client.set(name, b"v" + name) for name in names])

        async def get(name):
            item = await client.get(name)
            assert item.value == b"v" + name

        async def get_many(some):
            found = await client.get_many(some)
            assert {name: item.value for name, item in found.items()} == {name: b"v" + name for name in some}

        for _ in range(60):
            tasks = [asyncio.ensure_future(get(rng.choice(names))) for _ in range(20)]
            tasks += [asyncio.ensure_future(get_many(rng.sample(names, 10))) for _ in range(5)]
            await ticks(rng.randrange(4))
            for task in rng.sample(tasks, 12):
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
            assert all(result is None or isinstance(result, asyncio.CancelledError) for result in results), results


@pytest.mark.beyond
async def test_a_cancelled_operation_costs_no_connection(start):
    server = start()
    async with client_on(server, max_connections=1, timeout=10.0) as client:
        await client.set(b"key", b"v")
        before = server.stat("total_connections")
        for turns in range(4):
            for _ in range(25):
                tasks = [asyncio.ensure_future(client.get(b"key")) for _ in range(4)]
                await ticks(turns)
                for task in tasks[::2]:
                    task.cancel()
                for result in await asyncio.gather(*tasks, return_exceptions=True):
                    assert isinstance(result, asyncio.CancelledError) or result.value == b"v"
        assert server.stat("total_connections") == before + 1  # the one that asks
        assert client.cluster_managment().connection_pool_metrics()[server.address].connections_created == 1


async def test_create_client_may_be_cancelled(server):
    task = asyncio.ensure_future(emcache.create_client([server.address]))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.beyond
async def test_close_may_be_cancelled_and_called_again(server, key):
    client = await emcache.create_client([server.address])
    await client.get(key)
    task = asyncio.ensure_future(client.close())
    await ticks(1)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await client.close()
    assert client.closed


@pytest.mark.beyond
async def test_close_ends_what_is_pending():
    async with scripted(silent) as place:
        client = await emcache.create_client([place.address], timeout=None)
        pending = [asyncio.ensure_future(client.get(b"k:%d" % number)) for number in range(20)] + [asyncio.ensure_future(client.get_many([b"a", b"b"]))]
        await asyncio.sleep(0.02)
        await client.close()
        results = await asyncio.wait_for(asyncio.gather(*pending, return_exceptions=True), 10)
        assert all(isinstance(result, RuntimeError) for result in results), results


@pytest.mark.beyond
async def test_a_large_set_cancelled_half_sent_leaves_the_stream_in_step(start):
    server = start("-I", "32m", "-m", "128")
    async with client_on(server, max_connections=1, timeout=20.0) as client:
        await client.set(b"key", b"v")
        server.stop()
        value = bytearray(b"x" * 16_000_000)
        task = asyncio.ensure_future(client.set(b"large", value))
        await asyncio.sleep(0.05)
        await cancelled(task)
        value[:] = b"y" * len(value)
        server.go_on()

        async def answers():
            try:
                return (await client.get(b"key")).value == b"v"
            except asyncio.TimeoutError:
                return False
        await eventually(answers)
        item = await client.get(b"large")
        assert item is None or item.value in (b"x" * 16_000_000, bytes(value))

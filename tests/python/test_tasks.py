"""Commands are coroutines: whatever asyncio does with a coroutine, it does with them."""
import asyncio
import collections.abc
import contextvars
import gc
import inspect
import sys
import warnings

import pytest

import emcache
from clients import client_on
from running import HAS_TASK_GROUP, ORIGINAL, ticks
from scripted import scripted

needs_task_group = pytest.mark.skipif(not HAS_TASK_GROUP, reason="came with Python 3.11")


async def silent(talk):
    await talk.silence()


async def test_a_command_is_a_coroutine(server, key):
    async with client_on(server) as client:
        for make in (lambda: client.get(key), lambda: client.set(key, b"v"), lambda: client.get_many([key]), lambda: client.gats(0, key),
                     lambda: client.version(server.address), lambda: client.stats(server.address)):
            command = make()
            assert asyncio.iscoroutine(command) and inspect.isawaitable(command)
            assert isinstance(command, collections.abc.Coroutine) and not asyncio.isfuture(command)
            await command


async def test_create_task_ensure_future_and_gather(server, key):
    async with client_on(server) as client:
        await client.set(key, b"v")
        loop = asyncio.get_running_loop()
        tasks = [asyncio.create_task(client.get(key)), asyncio.ensure_future(client.get(key)), loop.create_task(client.get(key))]
        assert all(isinstance(task, asyncio.Task) for task in tasks)
        assert [item.value for item in await asyncio.gather(*tasks, client.get(key))] == [b"v"] * 4


async def test_a_task_may_have_a_name_and_callbacks(server, key):
    async with client_on(server) as client:
        done = []
        task = asyncio.create_task(client.get(key), name="mine")
        task.add_done_callback(done.append)
        assert task.get_name() == "mine" and repr(task)
        await task
        await ticks()
        assert done == [task]


async def test_wait_and_as_completed(server, key):
    async with client_on(server) as client:
        await client.set(key, b"v")
        done, pending = await asyncio.wait([asyncio.ensure_future(client.get(key)) for _ in range(10)])
        assert len(done) == 10 and not pending
        assert [(await one).value for one in asyncio.as_completed([client.get(key) for _ in range(10)])] == [b"v"] * 10


async def test_gather_gives_errors_their_places(server, key):
    async with client_on(server) as client:
        results = await asyncio.gather(client.set(key, b"v"), client.delete(key + b":none"), client.get(key + b":none"), return_exceptions=True)
        assert results[0] is None and isinstance(results[1], emcache.NotFoundCommandError) and results[2] is None
        with pytest.raises(emcache.NotFoundCommandError):
            await asyncio.gather(client.get(key), client.delete(key + b":none"))


async def test_wait_for_and_shield(server, key):
    async with client_on(server) as client:
        await client.set(key, b"v")
        assert (await asyncio.wait_for(client.get(key), 10)).value == b"v"
        assert (await asyncio.shield(client.get(key))).value == b"v"


async def test_a_shielded_set_goes_on_when_its_awaiter_is_cancelled(server, key):
    async with client_on(server) as client:
        inner = asyncio.ensure_future(client.set(key, b"v"))

        async def outer():
            await asyncio.shield(inner)
        task = asyncio.ensure_future(outer())
        await ticks(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await inner
        assert (await client.get(key)).value == b"v"


@needs_task_group
async def test_a_task_group_takes_commands(server, key):
    async with client_on(server) as client:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(client.set(key + b":%d" % number, b"%d" % number)) for number in range(50)]
        assert all(task.result() is None for task in tasks)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(client.get(key + b":%d" % number)) for number in range(50)]
        assert [task.result().value for task in tasks] == [b"%d" % number for number in range(50)]


@needs_task_group
async def test_a_failing_sibling_cancels_a_command_in_flight():
    async def broken():
        await asyncio.sleep(0.02)
        raise KeyError("sibling")

    async with scripted(silent) as place, client_on(place, timeout=None) as client:
        with pytest.raises(BaseExceptionGroup) as caught:  # noqa: F821
            async with asyncio.TaskGroup() as group:
                pending = group.create_task(client.get(b"key"))
                group.create_task(broken())
        assert pending.cancelled()
        assert [type(one) for one in caught.value.exceptions] == [KeyError]


@needs_task_group
async def test_a_failing_command_cancels_its_siblings(server, key):
    async with client_on(server) as client:
        with pytest.raises(BaseExceptionGroup) as caught:  # noqa: F821
            async with asyncio.TaskGroup() as group:
                sleeping = group.create_task(asyncio.sleep(100))
                group.create_task(client.delete(key))
        assert sleeping.cancelled()
        assert [type(one) for one in caught.value.exceptions] == [emcache.NotFoundCommandError]


@needs_task_group
async def test_asyncio_timeout_takes_commands_that_are_quick(server, key):
    async with client_on(server) as client:
        async with asyncio.timeout(10):
            await client.set(key, b"v")
            assert (await client.get(key)).value == b"v"


async def test_context_variables_stay_with_their_tasks(server, key):
    variable = contextvars.ContextVar("variable", default=None)
    async with client_on(server) as client:
        async def one(number):
            variable.set(number)
            for _ in range(5):
                await client.set(key + b":%d" % number, b"v")
                assert variable.get() == number
                await client.get_many([key + b":%d" % number])
                assert variable.get() == number
        await asyncio.gather(*[one(number) for number in range(30)])
        assert variable.get() is None


async def test_a_done_callback_runs_in_its_own_context(server, key):
    variable = contextvars.ContextVar("variable", default=None)
    seen = []
    async with client_on(server) as client:
        task = asyncio.ensure_future(client.get(key))
        context = contextvars.copy_context()
        context.run(variable.set, 7)
        task.add_done_callback(lambda _: seen.append(variable.get()), context=context)
        await task
        await ticks()
        assert seen == [7]


async def test_the_current_task_is_right_after_each_command(server, key):
    async with client_on(server) as client:
        async def one():
            me = asyncio.current_task()
            for _ in range(5):
                await client.get(key)
                assert asyncio.current_task() is me
        await asyncio.gather(*[one() for _ in range(20)])


async def test_tasks_started_while_others_end_run_too(server, key):
    """What is started from what has just completed goes out at the end of the same tick."""
    async with client_on(server) as client:
        async def chain(depth):
            await client.set(key + b":%d" % depth, b"v")
            if depth:
                children = [asyncio.ensure_future(chain(depth - 1)) for _ in range(2)]
                await asyncio.gather(*children)
        await chain(6)


async def test_a_generator_and_a_context_manager_may_await(server, key):
    async with client_on(server) as client:
        async def values():
            for number in range(5):
                await client.set(key, b"%d" % number)
                yield (await client.get(key)).value
        assert [value async for value in values()] == [b"%d" % number for number in range(5)]


async def test_an_awaited_command_cannot_be_awaited_again(server, key):
    async with client_on(server) as client:
        command = client.get(key)
        await command
        with pytest.raises(RuntimeError):
            await command


async def test_a_command_awaited_by_two_at_once_raises_for_the_second():
    async with scripted(silent) as place, client_on(place, timeout=None) as client:
        command = client.get(b"key")

        async def waits():
            return await command
        first = asyncio.ensure_future(waits())
        await ticks()
        with pytest.raises(RuntimeError):
            await waits()
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first


async def test_a_command_never_awaited_warns_and_does_nothing(server, key):
    async with client_on(server) as client:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            client.set(key, b"v")
            gc.collect()
        assert any(issubclass(one.category, RuntimeWarning) and "never awaited" in str(one.message) for one in caught)
        await ticks(10)
        assert await client.get(key) is None


async def test_a_command_closed_before_its_first_step_does_nothing(server, key):
    async with client_on(server) as client:
        command = client.set(key, b"v")
        command.close()
        command.close()
        await ticks(10)
        assert await client.get(key) is None
        with pytest.raises(RuntimeError):
            await command


async def test_a_command_is_submitted_at_its_first_step(server, key):
    async with client_on(server) as client:
        first, second = client.set(key, b"first"), client.set(key, b"second")
        await second
        await first
        assert (await client.get(key)).value == b"first"


async def test_send_throw_and_close_by_hand(server, key):
    async with client_on(server) as client:
        command = client.get(key)
        with pytest.raises(TypeError):
            command.send(1)  # as a coroutine that has not started
        command.close()
        command = client.get(key)
        with pytest.raises(KeyError):
            command.throw(KeyError("thrown"))


async def test_an_exception_of_a_command_has_the_line_that_awaited(server, key):
    async with client_on(server) as client:
        with pytest.raises(emcache.NotFoundCommandError) as caught:
            await client.delete(key)
        assert any(entry.name == "test_an_exception_of_a_command_has_the_line_that_awaited" for entry in caught.traceback)


async def test_base_exceptions_of_a_task_reach_the_loop(server, key):
    class Stop(BaseException):
        pass

    async with client_on(server) as client:
        async def raises():
            await client.get(key)
            raise Stop()
        task = asyncio.ensure_future(raises())
        others = [asyncio.ensure_future(client.get(key)) for _ in range(5)]
        with pytest.raises(Stop):
            await task
        assert await asyncio.gather(*others) == [None] * 5


@pytest.mark.skipif(sys.version_info < (3, 12), reason="eager tasks came with Python 3.12")
async def test_eager_tasks_take_commands(server, key, loop_kind):
    if loop_kind == "uvloop" and sys.version_info >= (3, 13):
        pytest.skip("uvloop itself fails with eager tasks on 3.13")
    loop = asyncio.get_running_loop()
    loop.set_task_factory(asyncio.eager_task_factory)
    async with client_on(server) as client:
        await asyncio.gather(*[client.set(key + b":%d" % number, b"v") for number in range(20)])
        assert len(await client.get_many([key + b":%d" % number for number in range(20)])) == 20


async def test_a_task_of_another_class_is_woken_too(server, key):
    """The fast path is for exactly asyncio.Task: the plain one serves what derives from it."""
    class Mine(asyncio.Task):
        pass

    loop = asyncio.get_running_loop()
    async with client_on(server) as client:
        await client.set(key, b"v")
        loop.set_task_factory(lambda loop, coroutine, **more: Mine(coroutine, loop=loop, **more))
        try:
            tasks = [asyncio.create_task(client.get(key)) for _ in range(10)]
            assert all(type(task) is Mine for task in tasks)
            assert [item.value for item in await asyncio.gather(*tasks)] == [b"v"] * 10
        finally:
            loop.set_task_factory(None)


async def test_pure_python_tasks_are_served(server, key):
    from asyncio import tasks as module
    pure = getattr(module, "_PyTask", None)
    loop = asyncio.get_running_loop()
    async with client_on(server) as client:
        await client.set(key, b"v")
        loop.set_task_factory(lambda loop, coroutine, **more: pure(coroutine, loop=loop, **more))
        try:
            if sys.version_info >= (3, 12):
                pytest.skip("the pure and the C module keep different current tasks since 3.12")
            assert (await loop.create_task(client.get(key))).value == b"v"
        finally:
            loop.set_task_factory(None)


@pytest.mark.skipif(ORIGINAL, reason="speaks of ours")
async def test_debug_mode_changes_nothing(server, key):
    asyncio.get_running_loop().set_debug(True)
    async with client_on(server) as client:
        await asyncio.gather(*[client.set(key + b":%d" % number, b"v") for number in range(20)])
        assert len(await client.get_many([key + b":%d" % number for number in range(20)])) == 20
        task = asyncio.ensure_future(client.get(key))
        await ticks(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

"""busy_poll: answers are asked for before the loop sleeps, and nothing else is different."""
import asyncio
import time

import pytest

import emcache
from clients import client_on
from running import run
from scripted import scripted

pytestmark = pytest.mark.beyond

LONGEST = 0.001


async def test_commands_give_what_they_give_without_it(server, key):
    async with client_on(server, busy_poll=LONGEST) as client:
        for number in range(100):
            await client.set(key, b"%d" % number)
            assert (await client.get(key)).value == b"%d" % number
        assert await client.get(key + b"-missing") is None
        large = bytes(200_000)
        await client.set(key, large)
        assert (await client.get(key)).value == large
        await client.set_many({key + b"-%d" % number: b"v" for number in range(50)})
        assert len(await client.get_many([key + b"-%d" % number for number in range(50)])) == 50
        items = await asyncio.gather(*[client.get(key + b"-%d" % number) for number in range(50)])
        assert [item.value for item in items] == [b"v"] * 50
        with pytest.raises(emcache.NotFoundCommandError):
            await client.increment(key + b"-missing", 1)


async def test_a_late_answer_is_awaited_and_none_is_a_timeout():
    async def answer(talk):
        for pause in (0.0, 0.02):
            assert await talk.line() == b"get key"
            await asyncio.sleep(pause)
            talk.send(b"VALUE key 0 1\r\nv\r\nEND\r\n")
        await talk.silence()

    async with scripted(answer) as address, client_on(address, busy_poll=LONGEST) as client:
        for _ in range(2):
            assert (await client.get(b"key")).value == b"v"
        begin = time.monotonic()
        with pytest.raises(asyncio.TimeoutError):
            await client.get(b"key", timeout=0.05)
        assert time.monotonic() - begin >= 0.049
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(client.get(b"key"), 0.05)


async def test_a_task_that_is_cancelled_meanwhile_ends(server, key):
    async with client_on(server, busy_poll=LONGEST) as client:
        async def ask():
            while True:
                await client.get(key)

        task = asyncio.create_task(ask())
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await client.get(key) is None


async def test_the_loop_has_its_turn_while_one_task_asks_without_end(server, key):
    async with client_on(server, busy_poll=LONGEST) as client:
        asked, turns = 0, []

        def turn():
            turns.append(asked)
            asyncio.get_running_loop().call_soon(turn)

        turn()
        while asked < 1000:
            await client.get(key)
            asked += 1
        longest = max(later - sooner for sooner, later in zip(turns, turns[1:]))
        assert 0 < longest <= 34  # 16 in a row, and what the turn itself brings


async def test_a_client_closed_by_the_task_that_an_answer_woke(server, key):
    client = await emcache.create_client([server.address], busy_poll=LONGEST)
    await client.get(key)
    await client.get(key)
    await client.close()
    with pytest.raises(RuntimeError):
        await client.get(key)


async def test_an_exception_of_a_task_that_an_answer_woke_is_its_own(server, key):
    async with client_on(server, busy_poll=LONGEST) as client:
        async def fail():
            for _ in range(3):
                await client.get(key)
            raise LookupError

        with pytest.raises(LookupError):
            await asyncio.create_task(fail())
        assert await client.get(key) is None


def sleeps_of(server, key, **options):
    """How often a loop went to sleep during 300 gets."""
    sleeps = 0

    async def ask():
        nonlocal sleeps
        async with client_on(server, **options) as client:
            await client.get(key)
            selector = asyncio.get_running_loop()._selector
            select = selector.select

            def counted(timeout=None):
                nonlocal sleeps
                sleeps += timeout is None or timeout > 0
                return select(timeout)

            selector.select = counted
            for _ in range(300):
                await client.get(key)
            selector.select = select

    run(ask(), "asyncio")
    return sleeps


def test_answers_that_come_in_time_wake_no_loop(server, key):
    """On a machine that is busy with other things they may be late: then another trial tells."""
    assert sleeps_of(server, key) >= 250
    assert any(sleeps_of(server, key, busy_poll=LONGEST) < 100 for _ in range(20))


@pytest.mark.parametrize("value, error", [("1", TypeError), (-1e-6, ValueError), (0.0011, ValueError), (float("nan"), ValueError)])
async def test_what_it_can_not_be_is_refused(server, value, error):
    with pytest.raises(error, match="busy_poll: "):
        await emcache.create_client([server.address], busy_poll=value)
    with pytest.raises(error, match="busy_poll_us: "):
        await emcache.create_client([server.address], engine_options={"busy_poll_us": value})

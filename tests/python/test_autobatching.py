"""autobatching=True: gets and gets of one turn of the loop go out together, and each caller has its own answer."""
import asyncio

import pytest

import emcache
from clients import client_on
from scripted import scripted


async def echo(talk):
    """Answers each get with the key as its value, and keeps the lines."""
    talk.lines = []
    while True:
        line = await talk.line()
        if line is None:
            return
        command, *names = line.split()
        talk.lines.append(names)
        for name in names:
            if not name.startswith(b"miss"):
                talk.send(b"VALUE %b 5 %d%b\r\n%b\r\n" % (name, len(name), b" 9" if command == b"gets" else b"", name))
        talk.send(b"END\r\n")


async def test_each_caller_has_its_own_answer(cluster, key):
    async with client_on(*cluster, autobatching=True) as client:
        names = [key + b":%d" % number for number in range(100)]
        await asyncio.gather(*[client.set(name, name) for name in names[::2]])
        items = await asyncio.gather(*[client.get(name) for name in names])
        assert [item and item.value for item in items] == [name if number % 2 == 0 else None for number, name in enumerate(names)]


async def test_callers_of_one_key_share_the_answer(server, key):
    async with client_on(server, autobatching=True) as client:
        await client.set(key, b"v")
        assert await asyncio.gather(*[client.get(key) for _ in range(50)]) == [emcache.Item(b"v", None, None)] * 50


async def test_what_is_asked_in_one_turn_goes_out_together():
    async with scripted(echo) as place, client_on(place, autobatching=True, max_connections=1) as client:
        await client.get(b"first")
        await asyncio.gather(*[client.get(b"key:%d" % number) for number in range(20)])
        lines = [names for talk in place.talks for names in talk.lines]
        assert len(lines) == 2 and len(lines[1]) == 20


async def test_a_miss_among_hits():
    async with scripted(echo) as place, client_on(place, autobatching=True) as client:
        items = await asyncio.gather(client.get(b"a"), client.get(b"miss"), client.get(b"b"))
        assert [item and item.value for item in items] == [b"a", None, b"b"]


async def test_the_other_commands_work_as_ever(server, key):
    async with client_on(server, autobatching=True) as client:
        await client.set(key, b"1", flags=3)
        assert (await client.get(key, return_flags=True)).flags == 3
        assert (await client.gets(key)).cas > 0
        assert await client.increment(key, 1) == 2
        assert list(await client.get_many([key])) == [key]
        await client.delete(key)
        assert await client.get(key) is None


async def test_a_bad_key_and_a_closed_client_raise(server, key):
    async with client_on(server, autobatching=True) as client:
        with pytest.raises(ValueError):
            await client.get(b"a b")
        await client.close()
        for call in (client.get, client.gets):
            with pytest.raises(RuntimeError):
                await call(key)


async def test_one_caller_cancelled_leaves_the_others(server, key):
    async with client_on(server, autobatching=True) as client:
        await client.set(key, b"v")
        tasks = [asyncio.ensure_future(client.get(key)) for _ in range(10)]
        await asyncio.sleep(0)
        tasks[3].cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert isinstance(results.pop(3), asyncio.CancelledError)
        assert results == [emcache.Item(b"v", None, None)] * 9


async def test_a_timeout_reaches_every_caller():
    async def silent(talk):
        await talk.silence()
    async with scripted(silent) as place, client_on(place, autobatching=True, timeout=0.1) as client:
        results = await asyncio.gather(*[client.get(b"key:%d" % number) for number in range(40)], return_exceptions=True)
        assert all(isinstance(result, asyncio.TimeoutError) for result in results)


@pytest.mark.beyond
async def test_two_gets_with_cas_or_flags_in_one_turn(server, key):
    """In the original the second of them hangs for ever."""
    async with client_on(server, autobatching=True, timeout=10.0) as client:
        names = [key + b":%d" % number for number in range(10)]
        await asyncio.gather(*[client.set(name, name, flags=4) for name in names])
        for items in (await asyncio.gather(*[client.gets(name) for name in names]),
                      await asyncio.gather(*[client.get(name, return_flags=True) for name in names]),
                      await asyncio.gather(*[client.gets(name, return_flags=True) for name in names])):
            assert [item.value for item in items] == names


@pytest.mark.beyond
async def test_all_four_kinds_mix_in_one_turn(server, key):
    async with client_on(server, autobatching=True) as client:
        await client.set(key, b"v", flags=6)
        cas = (await client.gets(key)).cas
        kinds = [(client.get, False, (None, None)), (client.get, True, (6, None)), (client.gets, False, (None, cas)), (client.gets, True, (6, cas))]
        for _ in range(3):
            calls = kinds * 10
            items = await asyncio.gather(*[call(key, return_flags) for call, return_flags, _ in calls])
            assert [(item.flags, item.cas) for item in items] == [expected for _, _, expected in calls]


@pytest.mark.beyond
async def test_no_line_has_more_keys_than_the_option_says():
    async with scripted(echo) as place, client_on(place, autobatching=True, autobatching_max_keys=8) as client:
        await client.get(b"first")
        items = await asyncio.gather(*[client.get(b"key:%d" % number) for number in range(100)])
        assert [item.value for item in items] == [b"key:%d" % number for number in range(100)]
        assert max(len(names) for talk in place.talks for names in talk.lines) <= 8


@pytest.mark.beyond
@pytest.mark.one_loop
async def test_a_moment_without_nodes_does_not_wedge_it(start):
    server = start()
    async with client_on(server, autobatching=True, purge_unhealthy_nodes=True, timeout=1.0) as client:
        await client.set(b"key", b"v")
        server.kill()
        while not client.cluster_managment().unhealthy_nodes():
            with pytest.raises((asyncio.TimeoutError, emcache.ClusterNoAvailableNodes)):
                await client.get(b"key")
        with pytest.raises(emcache.ClusterNoAvailableNodes):
            await client.get(b"key")
        server.start()
        while True:
            try:
                await client.get(b"key")
                break
            except (asyncio.TimeoutError, emcache.ClusterNoAvailableNodes):
                await asyncio.sleep(0.02)
        await client.set(b"key", b"w")
        assert (await client.get(b"key")).value == b"w"

"""The bug classes that come back in every client (users.md), each named: ours has none of them.

Some have a file of their own: injection and keys in test_bad_input, autobatching in test_autobatching, authentication and the host name of a
certificate in test_authentication and test_tls, a hanging node in test_cluster_management, memory of a stalled server in test_timeouts."""
import asyncio
import random
import time

import pytest

import emcache
from clients import client_on
from running import eventually, ticks
from scripted import scripted

pytestmark = pytest.mark.beyond


async def byte_by_byte(talk, data, chunk=1):
    for start in range(0, len(data), chunk):
        talk.send(data[start:start + chunk])
        await talk.writer.drain()
        await ticks(2)


@pytest.mark.parametrize("value", [b"END\r\n", b"xxEND\r\n", b"ERROR\r\n", b"\r\nEND\r\n", b"VALUE key 0 3\r\nabc\r\nEND\r\n", b"SERVER_ERROR no\r\n"], ids=repr)
async def test_framing_a_value_with_the_protocol_in_it_split_at_every_byte(value):
    """11. In the original a read that ends in END within a value returns memory past the buffer."""
    reply = b"VALUE key 0 %d\r\n%b\r\nEND\r\n" % (len(value), value)

    async def answer(talk):
        split = 0
        while True:
            line = await talk.line()
            if line is None:
                return
            split = split % (len(reply) - 1) + 1
            talk.send(reply[:split])
            await talk.writer.drain()
            await ticks(2)
            talk.send(reply[split:])

    async with scripted(answer) as place, client_on(place, max_connections=1, timeout=10.0) as client:
        for _ in range(len(reply)):
            assert (await client.get(b"key")).value == value


async def test_framing_one_byte_at_a_time():
    async def answer(talk):
        while True:
            line = await talk.line()
            if line is None:
                return
            await byte_by_byte(talk, b"VALUE key 7 4 99\r\n\r\n\r\n\r\nEND\r\n")

    async with scripted(answer) as place, client_on(place, max_connections=1, timeout=10.0) as client:
        for _ in range(3):
            assert await client.gets(b"key", return_flags=True) == emcache.Item(b"\r\n\r\n", 7, 99)


async def test_a_wrong_value_after_a_timeout_is_never_given():
    """1. aiomcache#489, dalli#956, php-memcached#531: replies that come late belong to what has timed out."""
    rng = random.Random(3)

    async def answer(talk):
        while True:
            line = await talk.line()
            if line is None:
                return
            if rng.random() < 0.2:
                await asyncio.sleep(0.03)
            for name in line.split()[1:]:
                talk.send(b"VALUE %b 0 %d\r\n%b\r\n" % (name, len(name), name))
            talk.send(b"END\r\n")

    async with scripted(answer) as place, client_on(place, timeout=0.02, max_connections=1) as client:
        right = wrong = 0
        for turn in range(60):
            names = [b"key:%d:%d" % (turn, number) for number in range(5)]
            for name, result in zip(names, await asyncio.gather(*[client.get(name) for name in names], return_exceptions=True)):
                if isinstance(result, asyncio.TimeoutError):
                    continue
                right += result.value == name
                wrong += result.value != name
        assert wrong == 0 and right > 0


async def test_a_value_for_another_key_fails_and_closes():
    async def answer(talk):
        await talk.line()
        talk.send(b"VALUE other 0 5\r\nwrong\r\nEND\r\n")
        await talk.silence()

    async with scripted(answer) as place, client_on(place, timeout=5.0) as client:
        with pytest.raises((asyncio.TimeoutError, emcache.CommandError)):
            await client.get(b"key")
        with pytest.raises((asyncio.TimeoutError, emcache.CommandError)):
            await client.get_many([b"a", b"b"])
        await eventually(lambda: len(place.talks) >= 2)


@pytest.mark.parametrize("reply", [b"GARBAGE\r\n", b"\r\n", b"VALUE key 0 -1\r\n", b"VALUE key 0 99999999999999999999\r\nx", b"VALUE key x 1\r\na\r\nEND\r\n", b"STORED\r\n",
                                   b"VALUE key 0 1\r\nabEND\r\n", b"VALUE key\r\n", b"END\r\nEND\r\nEND\r\n", b"\xff\xfe\x00\r\n", b"VALUE key 0 1 2 3 4\r\na\r\nEND\r\n"], ids=repr)
async def test_a_bad_reply_is_an_error_and_never_a_crash(reply):
    async def answer(talk):
        await talk.line()
        talk.send(reply)
        await talk.silence()

    async with scripted(answer) as place, client_on(place, timeout=1.0) as client:
        results = await asyncio.gather(client.get(b"key"), client.get(b"other"), return_exceptions=True)
        for result in results:
            assert result is None or isinstance(result, (asyncio.TimeoutError, emcache.CommandError)), result


async def test_bytes_while_nothing_is_awaited_close_the_connection():
    async def answer(talk):
        if talk.number == 0:
            await talk.line()
            talk.send(b"END\r\nVALUE next 0 5\r\nwrong\r\nEND\r\n")
            await talk.silence()
        while True:
            line = await talk.line()
            if line is None:
                return
            talk.send(b"VALUE next 0 5\r\nright\r\nEND\r\n")

    async with scripted(answer) as place, client_on(place, timeout=5.0, max_connections=1) as client:
        assert await client.get(b"key") is None
        for _ in range(50):
            try:
                item = await client.get(b"next")
                assert item.value == b"right"
                break
            except (asyncio.TimeoutError, emcache.CommandError):
                await asyncio.sleep(0.02)
        else:
            pytest.fail("it never recovered")


@pytest.mark.one_loop
async def test_a_client_recovers_from_an_absence(start):
    """2. memjs#117."""
    server = start()
    async with client_on(server, timeout=0.5) as client:
        for _ in range(3):
            await client.set(b"key", b"v")
            server.kill()
            with pytest.raises(asyncio.TimeoutError):
                await client.get(b"key")
            server.start()

            async def works():
                try:
                    await client.set(b"key", b"v")
                    return True
                except asyncio.TimeoutError:
                    return False
            await eventually(works)
            assert (await client.get(b"key")).value == b"v"


async def test_an_error_is_never_a_miss(start):
    """3. libmemcached#67, php-memcached#9, pymemcache#353."""
    server = start()
    async with client_on(server, timeout=0.3) as client:
        await client.set(b"key", b"v")
        server.kill()
        for call in (lambda: client.get(b"key"), lambda: client.get_many([b"key"]), lambda: client.gat(0, b"key"), lambda: client.delete(b"key"),
                     lambda: client.increment(b"key", 1), lambda: client.set(b"key", b"v")):
            with pytest.raises((asyncio.TimeoutError, emcache.CommandError)) as caught:
                await call()
            assert not isinstance(caught.value, (emcache.NotFoundCommandError, emcache.NotStoredStorageCommandError))


@pytest.mark.one_loop
async def test_a_connection_that_idled_out_is_noticed(start):
    """6. gomemcache#149: the server closes what idles; the next operation does not fail for it."""
    server = start("-o", "idle_timeout=1")
    async with client_on(server, timeout=5.0) as client:
        await client.set(b"key", b"v")
        await eventually(lambda: server.stat("idle_kicks") >= 1)
        assert (await client.get(b"key")).value == b"v"


async def test_the_server_closes_after_each_reply():
    async def answer(talk):
        line = await talk.line()
        if line is not None:
            talk.send(b"VALUE %b 0 1\r\nv\r\nEND\r\n" % line.split()[1])
            await talk.writer.drain()
            talk.writer.close()

    async with scripted(answer) as place, client_on(place, timeout=5.0, max_connections=1) as client:
        served = 0
        for number in range(30):
            try:
                served += (await client.get(b"key:%d" % number)).value == b"v"
            except asyncio.TimeoutError:
                pass
        assert served > 0


@pytest.mark.parametrize("size", [1024 * 1024, 1024 * 1024 + 1, 2_000_000, 10_000_000])
async def test_a_value_that_is_too_large_is_refused_soon(server, key, size):
    """12. It does not hang, and the next operation is right."""
    async with client_on(server, timeout=20.0, max_connections=1) as client:
        await client.set(key + b":small", b"v")
        begin = time.monotonic()
        with pytest.raises(emcache.StorageCommandError):
            await client.set(key, b"x" * size)
        assert time.monotonic() - begin < 10
        assert (await client.get(key + b":small")).value == b"v"


async def test_an_expiry_above_thirty_days_is_absolute(server, key):
    """13. It is the server's rule: what is relative is at most thirty days. A time of the past is gone, one of the future stays."""
    async with client_on(server) as client:
        await client.set(key, b"v", exptime=30 * 24 * 3600)
        assert await client.get(key) is not None
        await client.set(key, b"v", exptime=int(time.time()) + 40 * 24 * 3600)
        assert await client.get(key) is not None


async def test_keys_of_any_bytes_that_are_legal_route_and_match(cluster, key):
    """14."""
    rng = random.Random(5)
    legal = [byte for byte in range(0x21, 0x100) if byte != 0x7f]
    names = list({key + bytes(rng.choices(legal, k=rng.randrange(1, 200))) for _ in range(200)})
    async with client_on(*cluster) as client:
        await asyncio.gather(*[client.set(name, b"v" + name) for name in names])
        assert {name: item.value for name, item in (await client.get_many(names)).items()} == {name: b"v" + name for name in names}


async def test_stale_data_after_a_flap_is_not_read_elsewhere(start):
    """8. twemproxy#14: without purging a key stays with its node, whatever its health."""
    servers = [start() for _ in range(2)]
    async with client_on(*servers, timeout=0.5) as client:
        names = [b"key:%d" % number for number in range(40)]
        await asyncio.gather(*[client.set(name, b"old") for name in names])
        there = [name for name in names if servers[1].has(name)]
        servers[1].kill()
        await eventually(client.cluster_managment().unhealthy_nodes)
        results = await asyncio.gather(*[client.set(name, b"new") for name in there], return_exceptions=True)
        assert all(isinstance(result, asyncio.TimeoutError) for result in results)
        assert not any(servers[0].has(name) for name in there)


async def test_random_operations_agree_with_a_dictionary(cluster, key):
    rng = random.Random(11)
    async with client_on(*cluster, timeout=20.0) as client:
        async def walk(number):
            mine, model = [key + b":%d:%d" % (number, index) for index in range(6)], {}
            for _ in range(80):
                name, value = rng.choice(mine), b"%d" % rng.randrange(10**rng.randrange(1, 12))
                kind = rng.randrange(8)
                if kind == 0:
                    await client.set(name, value)
                    model[name] = value
                elif kind == 1:
                    item = await client.get(name)
                    assert (item and item.value) == model.get(name)
                elif kind == 2:
                    found = await client.get_many(mine)
                    assert {name: item.value for name, item in found.items()} == model
                elif kind == 3:
                    try:
                        await client.delete(name)
                        del model[name]
                    except emcache.NotFoundCommandError:
                        assert name not in model
                elif kind == 4:
                    try:
                        await client.add(name, value)
                        assert name not in model
                        model[name] = value
                    except emcache.NotStoredStorageCommandError:
                        assert name in model
                elif kind == 5 and name in model:
                    number_ = await client.increment(name, 7)
                    assert number_ == int(model[name]) + 7
                    model[name] = b"%d" % number_
                elif kind == 6 and name in model:
                    token = (await client.gets(name)).cas
                    await client.cas(name, value, token)
                    model[name] = value
                elif kind == 7:
                    await client.set(name, value, noreply=True)
                    model[name] = value
        await asyncio.gather(*[walk(number) for number in range(12)])

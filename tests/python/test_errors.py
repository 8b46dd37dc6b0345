"""Miss, error and timeout are three different things; each error has the type the documentation names."""
import asyncio

import pytest

import emcache
from clients import client_on
from scripted import scripted


async def test_a_value_that_is_too_large_is_a_storage_error(server, key):
    async with client_on(server, timeout=10.0) as client:
        for command in (client.set, client.add):
            with pytest.raises(emcache.StorageCommandError) as caught:
                await command(key, b"x" * (1024 * 1024))
            assert not isinstance(caught.value, emcache.NotStoredStorageCommandError)
        await client.set(key, b"small")
        assert (await client.get(key)).value == b"small"


@pytest.mark.beyond
async def test_a_condition_that_does_not_hold_says_of_which_command(server, key):
    """emcache's own have no words at all."""
    there, gone = key, key + b":gone"
    node = f"(node {emcache.format_address(server.address)})"
    async with client_on(server) as client:
        await client.set(there, b"1")
        stale = (await client.gets(there)).cas
        await client.set(there, b"2")
        for call, error, words in ((client.add(there, b"v"), emcache.NotStoredStorageCommandError, "add: the key is there already"),
                                   (client.replace(gone, b"v"), emcache.NotStoredStorageCommandError, "replace: the key is not there"),
                                   (client.append(gone, b"v"), emcache.NotStoredStorageCommandError, "append: the key is not there"),
                                   (client.prepend(gone, b"v"), emcache.NotStoredStorageCommandError, "prepend: the key is not there"),
                                   (client.cas(there, b"v", stale), emcache.NotStoredStorageCommandError, "cas: the item was changed since its cas value was read"),
                                   (client.cas(gone, b"v", stale), emcache.StorageCommandError, "cas: the key is not there"),
                                   (client.touch(gone, 5), emcache.NotFoundCommandError, "touch: the key is not there"),
                                   (client.delete(gone), emcache.NotFoundCommandError, "delete: the key is not there"),
                                   (client.increment(gone, 1), emcache.NotFoundCommandError, "increment: the key is not there"),
                                   (client.decrement(gone, 1), emcache.NotFoundCommandError, "decrement: the key is not there")):
            with pytest.raises(error) as caught:
                await call
            assert type(caught.value) is error and str(caught.value) == f"{words} {node}"


async def test_an_error_of_a_command_names_what_the_server_said(start):
    server = start("-F")
    async with client_on(server) as client:
        with pytest.raises(emcache.CommandError, match="flush_all not allowed"):
            await client.flush_all(server.address)


async def test_a_memory_limit_that_is_too_small_is_a_command_error(server):
    async with client_on(server) as client:
        with pytest.raises(emcache.CommandError):
            await client.cache_memlimit(server.address, 1)


@pytest.mark.parametrize("address", [emcache.MemcachedHostAddress("127.0.0.1", 1), emcache.MemcachedUnixSocketPath("/none")], ids=["host", "path"])
async def test_a_node_that_is_not_of_the_cluster_is_a_value_error(server, address):
    async with client_on(server) as client:
        for call in (lambda: client.version(address), lambda: client.stats(address), lambda: client.flush_all(address),
                     lambda: client.verbosity(address, 1), lambda: client.cache_memlimit(address, 64)):
            with pytest.raises(ValueError):
                await call()


async def test_a_client_without_nodes_is_a_value_error():
    for nodes in ([], ()):
        with pytest.raises(ValueError):
            await emcache.create_client(nodes)


@pytest.mark.parametrize("options", [{"max_connections": 0}, {"max_connections": -1}, {"min_connections": -1}, {"min_connections": 3, "max_connections": 2},
                                     {"username": "user"}, {"password": "word"}], ids=str)
async def test_options_that_contradict_are_value_errors(server, options):
    with pytest.raises(ValueError):
        await emcache.create_client([server.address], **options)


async def test_options_are_by_name_alone_and_known(server):
    with pytest.raises(TypeError):
        await emcache.create_client([server.address], 1.0)
    with pytest.raises(TypeError):
        await emcache.create_client([server.address], unknown=1)
    with pytest.raises(TypeError):
        await emcache.create_client()


async def test_a_set_refused_by_the_server_raises_with_its_words():
    async def answer(talk):
        while await talk.line():
            await talk.block(1)
            talk.send(b"SERVER_ERROR out of memory storing object\r\n")

    async with scripted(answer) as place, client_on(place) as client:
        with pytest.raises(emcache.StorageCommandError, match="out of memory storing object"):
            await client.set(b"key", b"v")


@pytest.mark.parametrize("reply, error", [(b"NOT_FOUND\r\n", emcache.NotFoundCommandError), (b"SERVER_ERROR busy\r\n", emcache.CommandError)])
async def test_a_delete_or_touch_refused_by_the_server(reply, error):
    async def answer(talk):
        while await talk.line():
            talk.send(reply)

    async with scripted(answer) as place, client_on(place) as client:
        for call in (lambda: client.delete(b"key"), lambda: client.touch(b"key", 1)):
            with pytest.raises(error):
                await call()


@pytest.mark.one_loop
async def test_no_available_nodes_when_all_are_purged(start):
    server = start()
    async with client_on(server, purge_unhealthy_nodes=True, timeout=1.0) as client:
        assert await client.get(b"key") is None
        server.kill()
        while not client.cluster_managment().unhealthy_nodes():
            with pytest.raises((asyncio.TimeoutError, emcache.ClusterNoAvailableNodes)):
                await client.get(b"key")
        for call in (lambda: client.get(b"key"), lambda: client.get_many([b"a", b"b"]), lambda: client.set(b"key", b"v"), lambda: client.delete(b"key"),
                     lambda: client.gat_many(0, [b"a"]), lambda: client.increment(b"key", 1)):
            with pytest.raises(emcache.ClusterNoAvailableNodes):
                await call()


@pytest.mark.beyond
async def test_an_increment_of_what_is_no_number_is_a_command_error(server, key):
    async with client_on(server) as client:
        await client.set(key, b"text")
        for command in (client.increment, client.decrement):
            with pytest.raises(emcache.CommandError, match="non-numeric"):
                await command(key, 1)
        assert (await client.get(key)).value == b"text"


@pytest.mark.beyond
@pytest.mark.parametrize("reply", [b"ERROR\r\n", b"SERVER_ERROR backend failure\r\n", b"CLIENT_ERROR bad command line format\r\n"], ids=["error", "server", "client"])
async def test_an_error_line_to_a_get_is_an_error_at_once(reply):
    """The original waits for its timeout, and php-memcached#9 reports a miss."""
    async def answer(talk):
        while line := await talk.line():
            # memcached's proxy says it of each key, and END all the same (docs/decisions/0010)
            of_one_key = reply.startswith(b"SERVER_ERROR") and line.split() == [b"get", b"key", b"other"]
            talk.send(reply + b"END\r\n" if of_one_key else reply)

    async with scripted(answer) as place, client_on(place, timeout=20.0) as client:
        begin = asyncio.get_running_loop().time()
        for call in (lambda: client.get(b"key"), lambda: client.gets(b"key"), lambda: client.get_many([b"key", b"other"]), lambda: client.gat(0, b"key")):
            with pytest.raises(emcache.CommandError):
                await call()
        assert asyncio.get_running_loop().time() - begin < 10


@pytest.mark.beyond
@pytest.mark.parametrize("how", ["close", "reset"])
async def test_a_connection_that_ends_fails_what_is_in_flight_at_once(how):
    async def answer(talk):
        await talk.line()
        talk.send(b"VALUE key 0 10\r\nhalf")
        await asyncio.sleep(0.01)
        talk.reset() if how == "reset" else talk.writer.close()

    async with scripted(answer) as place, client_on(place, timeout=30.0) as client:
        begin = asyncio.get_running_loop().time()
        with pytest.raises(asyncio.TimeoutError):  # it fails fast, and the handlers that are there catch it
            await client.get(b"key")
        assert asyncio.get_running_loop().time() - begin < 10


@pytest.mark.beyond
@pytest.mark.one_loop
async def test_a_down_node_fails_fast_with_an_error_that_is_a_timeout_error(start):
    server = start()
    async with client_on(server, timeout=20.0) as client:
        await client.set(b"key", b"v")
        server.kill()
        loop = asyncio.get_running_loop()
        while not client.cluster_managment().unhealthy_nodes():
            with pytest.raises(asyncio.TimeoutError):
                await client.get(b"key")
        begin = loop.time()
        for _ in range(20):
            with pytest.raises(asyncio.TimeoutError):
                await client.get(b"key")
        assert loop.time() - begin < 5


@pytest.mark.beyond
@pytest.mark.one_loop
async def test_a_loop_of_failing_operations_does_not_starve_the_event_loop(start):
    """Every operation suspends at least once, also when it fails fast."""
    server = start()
    async with client_on(server, timeout=20.0) as client:
        server.kill()
        ticked = 0

        async def tick():
            nonlocal ticked
            while True:
                ticked += 1
                await asyncio.sleep(0)

        ticker = asyncio.ensure_future(tick())
        for _ in range(50):
            with pytest.raises(asyncio.TimeoutError):
                await client.get(b"key")
        assert ticked >= 50
        server.start()
        deadline = asyncio.get_running_loop().time() + 20
        while asyncio.get_running_loop().time() < deadline:
            try:
                await client.get(b"key")
                break
            except asyncio.TimeoutError:
                pass
        else:
            pytest.fail("it never recovered")
        ticker.cancel()

"""username and password: ASCII authentication (memcached -Y)."""
import asyncio

import pytest

import emcache
from emcache.client_errors import AuthenticationError
from clients import client_on
from running import eventually


@pytest.fixture(scope="module")
def users(tmp_path_factory):
    path = tmp_path_factory.mktemp("users") / "users"
    path.write_text("user:word\n", encoding="ascii")
    return str(path)


async def test_the_right_word_opens(start, users):
    server = start("-Y", users)
    async with client_on(server, username="user", password="word", timeout=10.0) as client:
        await client.set(b"key", b"v")
        assert (await client.get(b"key")).value == b"v"
        await asyncio.gather(*[client.set(b"key:%d" % number, b"v") for number in range(50)])


async def test_a_wrong_word_is_an_authentication_error(start, users):
    server = start("-Y", users)
    async with client_on(server, username="user", password="wrong", timeout=10.0) as client:
        with pytest.raises(AuthenticationError):
            await client.get(b"key")


async def test_no_word_for_a_server_that_wants_one_is_a_command_error(start, users):
    server = start("-Y", users)
    async with client_on(server, timeout=10.0) as client:
        with pytest.raises(emcache.CommandError):
            await client.get(b"key")
        with pytest.raises(emcache.CommandError):
            await client.set(b"key", b"v")


def test_an_authentication_error_is_a_command_error():
    assert issubclass(AuthenticationError, emcache.CommandError)


@pytest.mark.beyond
async def test_every_waiter_is_told_of_a_wrong_word(start, users):
    """The waiters of a refused node burn their whole timeout in the original."""
    server = start("-Y", users)
    async with client_on(server, username="user", password="wrong", timeout=20.0) as client:
        begin = asyncio.get_running_loop().time()
        results = await asyncio.gather(*[client.get(b"key:%d" % number) for number in range(50)], return_exceptions=True)
        assert all(isinstance(result, AuthenticationError) for result in results), results
        assert asyncio.get_running_loop().time() - begin < 10


@pytest.mark.beyond
@pytest.mark.one_loop
async def test_a_failed_authentication_is_not_the_end_of_a_node(start, tmp_path):
    """In the original one failed authentication leaves a node dead for good."""
    users = tmp_path / "users"
    users.write_text("user:other\n", encoding="ascii")
    server = start("-Y", str(users))
    async with client_on(server, username="user", password="word", timeout=5.0) as client:
        with pytest.raises(AuthenticationError):
            await client.get(b"key")
        users.write_text("user:word\n", encoding="ascii")
        server.kill()
        server.start()

        async def works():
            try:
                await client.set(b"key", b"v")
                return True
            except (asyncio.TimeoutError, emcache.CommandError):
                return False
        await eventually(works)


@pytest.mark.beyond
async def test_a_word_for_a_server_that_wants_none_stores_no_item(server):
    """Sent as a number in place of `_ _ _`, the password would be stored as an item."""
    async with client_on(server, username="user", password="word", timeout=5.0) as client:
        with pytest.raises((AuthenticationError, asyncio.TimeoutError)):
            await client.get(b"key")
    assert not server.has(b"_")


@pytest.mark.beyond
async def test_the_word_is_not_told(start, users):
    server = start("-Y", users)
    async with client_on(server, username="user", password="verysecret", timeout=5.0) as client:
        with pytest.raises(AuthenticationError) as caught:
            await client.get(b"key")
        assert "verysecret" not in str(caught.value) and "verysecret" not in repr(client)

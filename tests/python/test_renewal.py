"""What a client is given anew while it runs: credentials and certificates; and the folder of trusted certificates."""
import asyncio
import os
import shutil
import threading

import pytest

import emcache
from clients import client_on
from emcache.client_errors import AuthenticationError
from running import eventually
from servers import openssl

pytestmark = pytest.mark.beyond


async def works(client):
    try:
        await client.set(b"key", b"v", timeout=5)
        return True
    except (asyncio.TimeoutError, emcache.CommandError):
        return False


# ---------------------------------------------------------------------------------------------------- credentials


@pytest.fixture
def users(tmp_path):
    path = tmp_path / "users"
    path.write_text("user:word\n", encoding="ascii")
    return str(path)


async def test_other_credentials_open_what_the_old_ones_did_not(start, users):
    server = start("-Y", users)
    async with client_on(server, username="user", password="wrong", timeout=10.0) as client:
        with pytest.raises(AuthenticationError):
            await client.get(b"key")
        assert client.set_credentials("user", "word") is None
        await eventually(lambda: works(client))


async def test_other_credentials_leave_what_is_connected_alone(start, users):
    server = start("-Y", users)
    async with client_on(server, username="user", password="word", timeout=10.0, max_connections=1) as client:
        await client.set(b"key", b"v")
        client.set_credentials(username="user", password="wrong")
        assert (await client.get(b"key")).value == b"v"
        await client.quit(server.address)

        async def refused():
            try:
                await client.get(b"key", timeout=5)
            except AuthenticationError:
                return True
            except asyncio.TimeoutError:
                pass
            return False
        await eventually(refused)
        client.set_credentials("user", "word")
        await eventually(lambda: works(client))


async def test_credentials_that_can_not_be_are_refused_and_the_old_ones_stay(start, users):
    server = start("-Y", users)
    async with client_on(server, username="user", password="word", timeout=10.0) as client:
        for username, password, name in (("user", None, "password"), (None, "word", "username"), ("a b", "word", "username"), ("user", "a\r\n", "password"),
                                         ("", "word", "username"), ("user", "x" * 251, "password"), ("us\0er", "word", "username")):
            with pytest.raises(ValueError, match=name):
                client.set_credentials(username, password)
        for username, password, name in ((b"user", "word", "username"), ("user", 1, "password")):
            with pytest.raises(TypeError, match=name):
                client.set_credentials(username, password)
        with pytest.raises(TypeError):
            client.set_credentials("user")
        server.kill()
        server.start()
        await eventually(lambda: works(client))


# ---------------------------------------------------------------------------------------------------- certificates


@pytest.fixture
def strict(start, certificates):
    """A server that wants a client's certificate."""
    return start("-Z", "-o", "ssl_chain_cert=%s,ssl_key=%s,ssl_verify_mode=2,ssl_ca_cert=%s" % (*certificates.server, certificates.authority))


@pytest.mark.one_loop
async def test_certificates_are_read_anew(strict, certificates):
    trust = {"ssl_extra_ca": certificates.authority}
    certificate, key = certificates.client
    async with client_on(strict, ssl=True, **trust, timeout=5.0) as client:
        assert not await works(client)
        assert client.reload_ssl(**trust, ssl_certificate=certificate, ssl_key=key) is None
        await eventually(lambda: works(client))


@pytest.mark.one_loop
async def test_certificates_that_can_not_be_used_change_nothing(strict, certificates, tmp_path):
    good = {"ssl_extra_ca": certificates.authority, "ssl_certificate": certificates.client[0], "ssl_key": certificates.client[1]}
    bad_file = tmp_path / "bad.pem"
    bad_file.write_text("nothing", encoding="ascii")
    async with client_on(strict, ssl=True, **good, timeout=10.0) as client:
        await client.set(b"key", b"v")
        for bad, error, name in (({"ssl_extra_ca": "/none/at/all.pem"}, ValueError, "ssl_extra_ca"), ({"ssl_extra_ca": str(bad_file)}, ValueError, "ssl_extra_ca"),
                                 ({"ssl_certificate": good["ssl_certificate"]}, ValueError, "ssl_certificate and ssl_key"),
                                 ({"ssl_certificate": good["ssl_certificate"], "ssl_key": certificates.server[1]}, ValueError, "ssl_key"),
                                 ({"ssl_trust_folder": "/none/at/all"}, ValueError, "ssl_trust_folder"), ({"ssl_trust_folder": str(bad_file)}, ValueError, "ssl_trust_folder"), ({"ssl_version_min": "1.1"}, ValueError, "ssl_version_min"),
                                 ({"ssl_version_min": 1.2}, TypeError, "ssl_version_min"), ({"ssl_version_min": 2**70}, ValueError, "ssl_version_min"),
                                 ({"ssl_extra_ca": 1}, TypeError, "ssl_extra_ca"), ({"ssl_extra_ca": b"x"}, TypeError, "ssl_extra_ca"), ({"nothing": 1}, TypeError, "nothing")):
            with pytest.raises(error, match=name):
                client.reload_ssl(**bad)
        with pytest.raises(TypeError):
            client.reload_ssl(True)
        await client.quit(strict.address)
        await eventually(lambda: works(client))


async def test_certificates_of_a_client_without_tls_are_refused(server):
    async with client_on(server) as client:
        with pytest.raises(RuntimeError):
            client.reload_ssl()


@pytest.mark.one_loop
async def test_a_folder_of_trusted_certificates(tls_server, certificates, tmp_path):
    shutil.copy(certificates.authority, tmp_path / "authority.pem")
    openssl("rehash", str(tmp_path), folder=str(tmp_path))
    assert any(name.endswith(".0") for name in os.listdir(tmp_path))
    async with client_on(tls_server, ssl=True, ssl_trust_folder=str(tmp_path), timeout=10.0) as client:
        assert await works(client)
    (tmp_path / "empty").mkdir()
    async with client_on(tls_server, ssl=True, ssl_trust_folder=str(tmp_path / "empty"), timeout=1.0) as client:
        assert not await works(client)


# ---------------------------------------------------------------------------------------------------- when they can't be given


async def test_a_closed_client_takes_neither(server):
    async with client_on(server) as client:
        pass
    for call in (lambda: client.set_credentials("user", "word"), client.reload_ssl):
        with pytest.raises(RuntimeError, match="closed"):
            call()


@pytest.mark.one_loop
async def test_another_thread_may_give_neither(server):
    async with client_on(server, username="user", password="word") as client:
        errors = []

        def other():
            for call in (lambda: client.set_credentials("user", "word"), client.reload_ssl):
                try:
                    call()
                except RuntimeError as error:
                    errors.append(str(error))
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
        assert len(errors) == 2 and all("thread" in error for error in errors)

"""TLS: what is verified, against which authority, for which host."""
import asyncio
import ssl

import pytest

import emcache
from clients import client_on


@pytest.fixture
def by_name(tls_server):
    return emcache.MemcachedHostAddress("localhost", tls_server.port)


async def test_commands_work_over_tls(tls_server, certificates, key):
    async with client_on(tls_server, ssl=True, ssl_extra_ca=certificates.authority, timeout=10.0) as client:
        await client.set(key, b"v")
        assert (await client.get(key)).value == b"v"
        large = bytes(range(256)) * 2000
        await client.set(key, large)
        assert (await client.get(key)).value == large
        names = [key + b":%d" % number for number in range(200)]
        await asyncio.gather(*[client.set(name, name) for name in names])
        assert len(await client.get_many(names)) == 200


async def test_a_host_name_is_verified_by_name(by_name, certificates, key):
    async with client_on(by_name, ssl=True, ssl_extra_ca=certificates.authority, timeout=10.0) as client:
        await client.set(key, b"v")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
async def test_without_verification_any_certificate_will_do(tls_server, key):
    async with client_on(tls_server, ssl=True, ssl_verify=False, timeout=10.0) as client:
        await client.set(key, b"v")
        assert (await client.get(key)).value == b"v"


async def fails(address, **options):
    async with client_on(address, timeout=1.0, **options) as client:
        with pytest.raises((asyncio.TimeoutError, emcache.CommandError)):
            await client.get(b"key")


@pytest.mark.one_loop
async def test_an_unknown_authority_is_refused(tls_server):
    await fails(tls_server, ssl=True)


@pytest.mark.one_loop
async def test_a_plain_client_on_a_tls_port_fails(tls_server):
    await fails(tls_server)


@pytest.mark.one_loop
async def test_a_tls_client_on_a_plain_port_fails(server, certificates):
    await fails(server, ssl=True, ssl_extra_ca=certificates.authority)


@pytest.mark.beyond
@pytest.mark.one_loop
async def test_a_certificate_for_another_host_is_refused(start, certificates):
    """With an extra authority the original does not look at the name."""
    server = start("-Z", "-o", "ssl_chain_cert=%s,ssl_key=%s" % certificates.elsewhere)
    await fails(server, ssl=True, ssl_extra_ca=certificates.authority)
    async with client_on(server, ssl=True, ssl_verify=False, timeout=10.0) as client:
        assert await client.get(b"key") is None


@pytest.mark.beyond
@pytest.mark.parametrize("value", [None, "", "false", [], {}, 0.0, b""], ids=repr)
async def test_checking_is_turned_off_by_false_alone(tls_server, value):
    """In the original what is merely not true turns it off: an option that is missing in a configuration gave None, and no check."""
    for call in (emcache.create_client([tls_server.address], ssl=True, ssl_verify=value),
                 emcache.create_client([tls_server.address], ssl=True, engine_options={"tls.verify": value})):
        with pytest.raises(TypeError, match=r"(ssl_verify|tls\.verify): True or False is needed"):
            await call


@pytest.mark.beyond
async def test_a_certificate_without_tls_is_refused(server):
    for name in ("ssl_trust", "ssl_trust_folder", "ssl_certificate", "ssl_key", "ssl_key_password"):
        with pytest.raises(ValueError, match=f"{name}: it needs ssl=True"):
            await emcache.create_client([server.address], **{name: "somewhere.pem"})
    async with client_on(server, ssl_extra_ca="what 1.3 does not look at either") as client:
        await client.version(server.address)


@pytest.mark.beyond
async def test_a_context_is_not_taken_for_yes(server):
    with pytest.raises(TypeError, match="ssl: True or False is needed, not SSLContext"):
        await emcache.create_client([server.address], ssl=ssl.create_default_context())


@pytest.mark.beyond
async def test_without_tls_it_is_not_looked_at(server, key):
    async with client_on(server, ssl=False, ssl_verify=None) as client:
        assert await client.get(key) is None


@pytest.mark.beyond
async def test_new_certificates_are_checked_unless_false_is_said(tls_server, certificates):
    async with client_on(tls_server, ssl=True, ssl_extra_ca=certificates.authority, timeout=10.0) as client:
        for value in (None, "", 0.0):
            with pytest.raises(TypeError, match="ssl_verify: True or False is needed"):
                client.reload_ssl(ssl_verify=value)
        client.reload_ssl(ssl_verify=False)

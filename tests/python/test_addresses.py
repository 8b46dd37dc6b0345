"""Addresses as people write them: the same texts and the same errors as in C."""
import pytest

import emcache

pytestmark = pytest.mark.beyond

HOST, PATH = emcache.MemcachedHostAddress, emcache.MemcachedUnixSocketPath

GOOD = [("localhost", HOST("localhost", 11211)), ("localhost:1", HOST("localhost", 1)), ("127.0.0.1:65535", HOST("127.0.0.1", 65535)), ("[::1]:11212", HOST("::1", 11212)),
        ("[::1]", HOST("::1", 11211)), ("::1", HOST("::1", 11211)), ("fe80::1%eth0", HOST("fe80::1%eth0", 11211)), ("/tmp/memcached.sock", PATH("/tmp/memcached.sock")),
        ("unix:/tmp/memcached.sock", PATH("/tmp/memcached.sock")), ("unix:relative", PATH("relative")), ("cache.example.", HOST("cache.example.", 11211)),
        ("h" * 255, HOST("h" * 255, 11211)), ("/" + "p" * 106, PATH("/" + "p" * 106))]

# What emc_address_parse() says; tests/unit/cluster/ has the same.
BAD = [("", "host: empty"), (":1", "host: empty"), ("[]:1", "host: empty"), ("a b", "host: has a space"), ("a\nb:1", "host: has a space or control character at position 1"),
       ("host:", "port: ``"), ("host:0", "port: `0`"), ("host:65536", "port: `65536`"), ("host:x", "port: `x` is no number"), ("host:-1", "no number"),
       ("host: 1", "no number"), ("a:b:c", "several colons"), ("::zz", "several colons"), ("[::1", "no matching `]`"), ("[::1]x", "behind `]`"), ("unix:", "path: empty"),
       ("/" + "p" * 107, "path: too long"), ("h" * 256, "host: too long"), ("h" * 1000, "longer than 271 bytes"), ("a\0b", "zero character")]


@pytest.mark.parametrize("text, address", GOOD, ids=[text[:30] for text, _ in GOOD])
def test_what_can_be_written(text, address):
    assert emcache.parse_address(text) == address
    assert type(emcache.parse_address(text)) is type(address)


@pytest.mark.parametrize("text, words", BAD, ids=[repr(text[:30]) for text, _ in BAD])
def test_what_can_not(text, words):
    with pytest.raises(ValueError) as caught:
        emcache.parse_address(text)
    assert words in str(caught.value)


@pytest.mark.parametrize("address, text", [(HOST("localhost", 11211), "localhost:11211"), (HOST("::1", 1), "[::1]:1"), (PATH("/tmp/x"), "/tmp/x"), (HOST("é.example", 5), "é.example:5")],
                         ids=["host", "ipv6", "path", "beyond ASCII"])
def test_how_an_address_is_written(address, text):
    assert emcache.format_address(address) == text
    assert emcache.parse_address(text) == address


def test_the_port_of_a_host_without_one():
    assert emcache.parse_address("h", 5) == emcache.parse_address("h", default_port=5) == emcache.parse_address(text="h", default_port=5) == HOST("h", 5)
    assert emcache.parse_address("h:6", default_port=5) == HOST("h", 6)
    for bad in (0, -1, 65536, 2**64):
        with pytest.raises(ValueError, match="default_port"):
            emcache.parse_address("h", bad)
    for bad in ("5", 5.0, None, b"5"):
        with pytest.raises(TypeError):
            emcache.parse_address("h", bad)


def test_what_is_no_text_and_no_address():
    for bad in (b"h", 1, None, HOST("h", 1), ["h"]):
        with pytest.raises(TypeError):
            emcache.parse_address(bad)
    for bad in ("h:1", 1, None, b"h:1", ("h", 1)):
        with pytest.raises(TypeError):
            emcache.format_address(bad)
    for bad in (HOST(b"h", 1), HOST("h", "1"), PATH(b"p"), HOST(None, 1)):
        with pytest.raises(TypeError):
            emcache.format_address(bad)
    for bad in (HOST("h", 0), HOST("h", 65536), HOST("h\0", 1), HOST("h" * 300, 1), PATH("p" * 300), PATH("a\0b"), HOST("\udc80", 1)):
        with pytest.raises(ValueError):
            emcache.format_address(bad)
    with pytest.raises(ValueError):
        emcache.parse_address("\udc80")


async def test_what_is_parsed_is_what_a_client_takes(server):
    address = emcache.parse_address("127.0.0.1:%d" % server.port)
    client = await emcache.create_client([address])
    try:
        assert client.cluster_management().nodes() == [address] and isinstance(await client.version(address), str)
    finally:
        await client.close()

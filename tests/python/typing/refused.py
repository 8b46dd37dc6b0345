"""Every marked line is a mistake that the types find (test_typing.py)."""
import emcache


async def mistakes(client: emcache.Client) -> None:
    await client.get("text")  # wrong
    await client.set(b"key", "text")  # wrong
    await client.set(b"key", 1)  # wrong
    await client.set(b"key", b"v", 1)  # wrong
    await client.get_many([1])  # wrong
    await client.touch(b"key", "1")  # wrong
    await client.version("localhost")  # wrong
    (await client.get(b"key")).value  # wrong
    await emcache.create_client([("localhost", 11211)])  # wrong
    emcache.MemcachedHostAddress("localhost", 1).port = 2  # wrong
    await client.set_many({b"key": (b"v", 1, 2)})  # wrong
    await client.set_many({b"key": emcache.StoreItem(b"v", "1")})  # wrong
    await client.fetch(b"key", 30, wait="1")  # wrong
    client.cluster_managment().subscribe(print)  # wrong
    emcache.parse_address(b"localhost")  # wrong
    emcache.format_address("localhost")  # wrong

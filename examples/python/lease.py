"""Many tasks want one page; one of them loads it, the others wait or get the old one.

    PYTHONPATH=build/python python3 examples/python/lease.py      (with a server on localhost:11211, memcached 1.6.10 or later)"""
import asyncio

import emcache

loads = 0


async def load():
    global loads
    loads += 1
    await asyncio.sleep(0.05)
    return b"the page"


async def page(client):
    while True:
        result = await client.fetch(b"page", 30, wait=30)  # so long for the winner's page
        if result.won:
            try:
                value = await load()
            except BaseException:
                await client.give_up(b"page", result)  # the next one may try
                raise
            await client.fill(b"page", value, result, exptime=600)
            return value
        if result.value is not None:
            return result.value  # fresh, or stale while another task loads


async def main():
    client = await emcache.create_client([emcache.MemcachedHostAddress("localhost", 11211)])
    await client.delete(b"page", noreply=True)
    pages = await asyncio.gather(*[page(client) for _ in range(100)])
    print(f"{len(pages)} pages, {loads} load")
    await client.close()


asyncio.run(main())

"""Which nodes a client has.

    PYTHONPATH=build/python python3 examples/python/nodes.py      (with servers on localhost:11211 and 11212)"""
import asyncio

import emcache


async def main():
    client = await emcache.create_client(
        [
            emcache.MemcachedHostAddress("localhost", 11211),
            emcache.MemcachedHostAddress("localhost", 11212),
        ]
    )
    print(client.cluster_managment().nodes())
    await client.close()


asyncio.run(main())

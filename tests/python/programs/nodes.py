import asyncio
import emcache

async def main():
    client = await emcache.create_client(
        [
            emcache.MemcachedHostAddress('localhost', 11211),
            emcache.MemcachedHostAddress('localhost', 11212)
        ]
    )
    print(client.cluster_managment().nodes())
    await client.close()

asyncio.run(main())

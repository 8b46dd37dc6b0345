import asyncio
import emcache

CLUSTER_MANAGMENT = None

async def create_client():
    global CLUSTER_MANAGMENT
    client = await emcache.create_client(
        [
            emcache.MemcachedHostAddress('localhost', 11211),
            emcache.MemcachedHostAddress('localhost', 11212)
        ]
    )
    CLUSTER_MANAGMENT = client.cluster_managment()
    return client

async def main():
    client = await create_client()
    await client.set(b"key", b"value")
    for address, metrics in CLUSTER_MANAGMENT.connection_pool_metrics().items():
        print(address.port, metrics.operations_executed)
    print(CLUSTER_MANAGMENT.healthy_nodes(), CLUSTER_MANAGMENT.unhealthy_nodes())
    await client.close()

asyncio.run(main())

"""A factory that keeps the management view in a global, for whoever asks later (a health page, a metrics exporter).

    PYTHONPATH=build/python python3 examples/python/factory.py    (with servers on localhost:11211 and 11212)"""
import asyncio

import emcache

cluster_managment = None


async def client_factory():
    global cluster_managment
    client = await emcache.create_client(
        [
            emcache.MemcachedHostAddress("localhost", 11211),
            emcache.MemcachedHostAddress("localhost", 11212),
        ]
    )
    cluster_managment = client.cluster_managment()
    return client


def report():
    for host, metrics in cluster_managment.connection_pool_metrics().items():
        print(f"{host.port}: {metrics.cur_connections} connections, {metrics.operations_executed} operations")
    print("healthy:", cluster_managment.healthy_nodes())


async def main():
    client = await client_factory()
    await asyncio.gather(*[client.set(b"key:%d" % number, b"value") for number in range(100)])
    report()
    await client.close()
    report()  # the view outlives the client, with the last state


asyncio.run(main())

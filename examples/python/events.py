"""Prints what happens to the nodes. Kill a server and start it again while this runs; Ctrl-C ends it.

    PYTHONPATH=build/python python3 examples/python/events.py     (with servers on localhost:11211 and 11212)"""
import asyncio

import emcache


class Events(emcache.ClusterEvents):
    async def on_node_healthy(self, cluster_managment, host):
        print(f"{host} is healthy; {len(cluster_managment.healthy_nodes())} nodes are", flush=True)

    async def on_node_unhealthy(self, cluster_managment, host):
        print(f"{host} is unhealthy; {len(cluster_managment.healthy_nodes())} nodes are left", flush=True)


async def main():
    client = await emcache.create_client(
        [
            emcache.MemcachedHostAddress("localhost", 11211),
            emcache.MemcachedHostAddress("localhost", 11212),
        ],
        cluster_events=Events(),
    )
    try:
        await asyncio.Event().wait()
    finally:
        await client.close()


try:
    asyncio.run(main())
except KeyboardInterrupt:
    pass

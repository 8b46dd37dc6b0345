import asyncio
import emcache

class ClusterEvents(emcache.ClusterEvents):
    async def on_node_healthy(self, cluster_managment, host):
        print(f"Node {host} healthy, {len(cluster_managment.healthy_nodes())} healthy now")
        HEALTHY.set()

    async def on_node_unhealthy(self, cluster_managment, host):
        print(f"Node {host} unhealthy, {len(cluster_managment.unhealthy_nodes())} unhealthy now")
        UNHEALTHY.set()

async def main():
    global HEALTHY, UNHEALTHY
    HEALTHY, UNHEALTHY = asyncio.Event(), asyncio.Event()
    client = await emcache.create_client(
        [
            emcache.MemcachedHostAddress('localhost', 11211),
            emcache.MemcachedHostAddress('localhost', 11212)
        ],
        cluster_events=ClusterEvents(),
        purge_unhealthy_nodes=True
    )
    node = emcache.MemcachedHostAddress('localhost', 11212)
    await client.version(node)

    kill_node(11212)
    while not UNHEALTHY.is_set():
        try:
            await client.version(node)
        except asyncio.TimeoutError:
            pass
        await asyncio.sleep(0.01)
    await client.set(b"key", b"value")

    start_node(11212)
    await HEALTHY.wait()
    print(await client.version(node) != "")
    await client.close()

asyncio.run(main())

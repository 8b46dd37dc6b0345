"""The clients that are measured, each behind the same few calls: made at its best for a number of tasks or threads, on one server.

A client of asyncio gives coroutine functions; a client that blocks is made once for each thread and gives plain functions."""
import asyncio

HOST = "127.0.0.1"


class Emcache:
    """Ours and the original: the same program text, the interpreter's path decides which one is imported."""
    blocks = False

    def __init__(self, setting):
        self.setting = setting

    async def open(self, port, tasks):
        import emcache
        options = {"timeout": 10.0}
        if self.setting == "best":  # a connection for each task
            options.update(max_connections=tasks, min_connections=tasks)
        if self.setting == "autobatching":
            options.update(autobatching=True)
        if self.setting == "busy-poll":
            options.update(busy_poll=50e-6)
        address = emcache.MemcachedHostAddress(HOST, port)
        self.client = await emcache.create_client([address], **options)
        self.get, self.get_many = self.client.get, self.client.get_many
        self.set = self.client.set
        wanted = options.get("max_connections", 1)
        deadline = asyncio.get_running_loop().time() + 10
        while self.client.cluster_managment().connection_pool_metrics()[address].cur_connections < wanted:
            await asyncio.sleep(0.01)
            if asyncio.get_running_loop().time() > deadline:
                raise RuntimeError("the connections do not come")

    @staticmethod
    def value_of(answer):
        return answer.value

    async def close(self):
        await self.client.close()


class Aiomcache:
    blocks = False

    async def open(self, port, tasks):
        import aiomcache
        self.client = aiomcache.Client(HOST, port, pool_size=tasks)
        self.get, self.set = self.client.get, self.client.set

        async def get_many(keys):
            return await self.client.multi_get(*keys)
        self.get_many = get_many

    @staticmethod
    def value_of(answer):
        return answer

    async def close(self):
        await self.client.close()


class Pymemcache:
    """A client for each thread: its own pool is slower."""
    blocks = True

    def open(self, port):
        from pymemcache.client.base import Client
        self.client = Client((HOST, port), no_delay=True, default_noreply=False, timeout=10)
        self.get, self.set, self.get_many = self.client.get, self.client.set, self.client.get_many

    @staticmethod
    def value_of(answer):
        return answer

    def close(self):
        self.client.close()


class Pylibmc:
    """A client for each thread, as its documentation has it."""
    blocks = True

    def open(self, port):
        import pylibmc
        self.client = pylibmc.Client([f"{HOST}:{port}"], behaviors={"tcp_nodelay": True})
        self.get, self.set, self.get_many = self.client.get, self.client.set, self.client.get_multi

    @staticmethod
    def value_of(answer):
        return answer

    def close(self):
        self.client.disconnect_all()


MAKERS = {
    "ours": lambda: Emcache("default"),
    "ours-busy-poll": lambda: Emcache("busy-poll"),
    "emcache": lambda: Emcache("default"),
    "emcache-best": lambda: Emcache("best"),
    "emcache-autobatching": lambda: Emcache("autobatching"),
    "aiomcache": Aiomcache,
    "pymemcache": Pymemcache,
    "pylibmc": Pylibmc,
}

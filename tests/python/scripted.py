"""A scripted server: a test says what it answers, so that a conversation reads like a dialogue.

    async def answer(talk):
        assert await talk.line() == b"get key"
        talk.send(b"VALUE key 0 1\\r\\nv\\r\\nEND\\r\\n")

    async with scripted(answer) as address: ...

The `version` that a client says on a fresh connection is answered by itself; `answer` runs once for each connection."""
import asyncio
import contextlib

import emcache
from running import ticks

VERSION = b"VERSION 1.6.18\r\n"


class Talk:
    """One connection, seen from the server."""

    def __init__(self, reader, writer, number):
        self.reader, self.writer, self.number = reader, writer, number

    async def line(self):
        """The next line without its end; None when the client has closed."""
        while True:
            line = await self.reader.readline()
            if not line:
                return None
            if line == b"version\r\n":
                self.send(VERSION)
                continue
            return line[:-2]

    async def block(self, length):
        """The data block after a storage line."""
        data = await self.reader.readexactly(length + 2)
        assert data.endswith(b"\r\n")
        return data[:-2]

    def send(self, data):
        self.writer.write(data)

    async def silence(self):
        """Reads on and answers nothing, until the client closes."""
        while await self.reader.read(65536):
            pass

    async def deaf(self):
        """Does not even read, for as long as the test runs."""
        self.writer.transport.pause_reading()
        await asyncio.Event().wait()

    def reset(self):
        """Ends the connection the hard way, unread bytes or not."""
        self.writer.transport.abort()


@contextlib.asynccontextmanager
async def scripted(answer):
    """Listens on a free port of its own; the address, whose `talks` lists the connections so far, is given."""
    talks, tasks, faults = [], set(), []

    async def serve(reader, writer):
        task = asyncio.current_task()
        tasks.add(task)
        talk = Talk(reader, writer, len(talks))
        talks.append(talk)
        try:
            await answer(talk)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        except Exception as fault:  # a wrong expectation fails the test, at its end
            faults.append(fault)
        finally:
            tasks.discard(task)
            with contextlib.suppress(Exception):
                writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=1 << 26)
    address = emcache.MemcachedHostAddress("127.0.0.1", server.sockets[0].getsockname()[1])
    place = Place(address, talks)
    try:
        yield place
    finally:
        await ticks(5)  # what has connected last is accepted and gets its task; asyncio stumbles over a server that closes in between
        server.close()
        for task in list(tasks):
            task.cancel()
        if tasks:
            await asyncio.wait(list(tasks), timeout=5)
        for talk in talks:
            talk.writer.transport.abort()
        await ticks(3)
    if faults:
        raise faults[0]


class Place:
    """Where a scripted server listens."""

    def __init__(self, address, talks):
        self.address, self.talks = address, talks

"""Client.stream_keys(): a node's keys as they come, on a connection of their own that is read only as fast as they are taken.

The connection belongs to an engine of its own, which reaches the server as the client does: other commands never stand behind a dump, and when nobody takes
keys nothing reads them, so that the server waits."""
import asyncio
import math
from typing import Any, AsyncGenerator, Dict, List, Optional, Tuple

from . import _emcache
from ._address import Address
from ._events import Dispatcher
from ._fast_wake import FAST_WAKE
from .base import Client

Line = Tuple[bytes, bytes]

#: The options that decide how a server is reached, by the names of <emcache/options.h>; what is about routing, many nodes or many operations is not among them.
_REACHING = {"username", "password", "sasl", "connection_timeout_ms", "ask_version", "line_length_max", "log_level"}
#: Nothing of the engine's ends a dump that is taken slowly: waiting has a limit of its own here.
_PATIENT = {
    "min_connections": 1,
    "max_connections": 1,
    "timeout": None,
    "keepalive_ms": None,
    "health_silence_ms": None,
    "health_answers_elsewhere": 2**32 - 1,
}


def _options(options: Dict[str, Any]) -> Dict[str, Any]:
    names = {name for header, here in _emcache.option_names().items() if header in _REACHING or header.startswith("tls.") for name in (header, here)}
    return {**{name: value for name, value in options.items() if name in names}, **_PATIENT}


class KeyStream:
    """One dump."""

    def __init__(self, client: Client, address: Address, keys_only: bool, timeout: Optional[float]) -> None:
        loop, options, dispatcher, on_trace, usual = _emcache.dump_origin(client, address)
        self._timeout = usual if timeout is None else timeout
        self._address, self._loop = address, loop
        #: What was taken in and not yet handed on, the next one last.
        self.lines: List[Line] = []
        self._waiter: Optional["asyncio.Future[None]"] = None
        self._ended = False
        self._error: Optional[BaseException] = None
        self._origin: Dispatcher = dispatcher
        self._engine = _emcache.Client(loop, (address,), None, _options(options), (), Dispatcher(loop, None), on_trace, False, FAST_WAKE, False)
        self._origin.streams.add(self)
        try:
            operation = _emcache.begin_dump(self._engine, address, keys_only, self._take)
            operation.send(None)
            operation._asyncio_future_blocking = False
            operation.add_done_callback(self._complete)
        except BaseException:
            self.end()
            raise

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _take(self, lines: List[Line]) -> None:
        """What one pass of the engine took in; it has paused."""
        lines.reverse()
        self.lines[:0] = lines
        self._wake()

    def _complete(self, operation: Any) -> None:
        self._ended = True
        try:
            operation.send(None)
        except StopIteration:
            pass
        except Exception as error:
            self._error = self._error or error
        self._wake()

    def _late(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(asyncio.TimeoutError(f"no key came within {self._timeout} seconds (node {_emcache.format_address(self._address)})"))

    async def _more(self) -> None:
        """Lets the engine take in, and waits for what it took."""
        _emcache.resume_dump(self._engine)
        self._waiter = self._loop.create_future()
        limited = 0 <= self._timeout < math.inf
        timer = self._loop.call_later(self._timeout, self._late) if limited else None
        try:
            await self._waiter
        finally:
            self._waiter = None
            if timer is not None:
                timer.cancel()

    async def fill(self) -> bool:
        """Whether there are lines; False: that was the last one."""
        while not self.lines and not self._ended:
            await self._more()
        if not self.lines and self._error is not None:
            raise self._error
        return bool(self.lines)

    def client_closed(self) -> None:
        """What was taken in and not yet handed on is dropped."""
        self.lines.clear()
        self._error = RuntimeError("Emcache client is closed")
        self._ended = True
        self.end()
        self._wake()

    def end(self) -> None:
        self._origin.streams.discard(self)
        _emcache.end_dump(self._engine)


async def stream_keys(client: Client, address: Address, keys_only: bool, timeout: Optional[float]) -> AsyncGenerator[Line, None]:
    stream = KeyStream(client, address, keys_only, timeout)
    try:
        while await stream.fill():
            while stream.lines:
                yield stream.lines.pop()
    finally:
        stream.end()


stream_keys.__qualname__ = "Client.stream_keys"

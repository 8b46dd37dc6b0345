"""What the engine tells beside outcomes: changes of health, as ClusterEvents hears them, and log lines."""
import asyncio
import logging
from collections import deque
from typing import Any, Deque, List, Optional, Tuple

from ._address import Address
from .base import Client, ClusterEvents

logger = logging.getLogger("emcache")

#: As many events wait for a handler that is slow; further ones are dropped, with a warning.
MAX_EVENTS = 1000

#: (kind, address, weight, reason); the kinds are those of <emcache/cluster.h>, a negative one is a log line: -1 - its level.
Entry = Tuple[int, Optional[Address], int, str]

NODE_HEALTHY, NODE_UNHEALTHY, NODE_ADDED, NODE_REMOVED, NODE_WEIGHT, DISCOVERY_ERROR = range(6)
_LOG_LEVELS = {-1: logging.ERROR, -2: logging.WARNING, -3: logging.INFO, -4: logging.DEBUG}


class Dispatcher:
    """Called by the extension with what has happened since its last call, and with None at the end. Handlers run in a task, one at a time, in order."""

    def __init__(self, loop: asyncio.AbstractEventLoop, handler: Optional[ClusterEvents]) -> None:
        self._loop = loop
        self._handler = handler
        self._management: Any = None
        self._queue: Deque[Tuple[int, Address]] = deque()
        self._task: Optional["asyncio.Task[None]"] = None
        self.discovered: Optional["asyncio.Future[bool]"] = None
        self.discovery_error = ""

    def attach(self, client: Client) -> None:
        """From now on handlers can be told whose cluster it is."""
        if self._handler is not None:
            self._management = client.cluster_managment()

    def __call__(self, entries: Optional[List[Entry]]) -> None:
        if entries is None:
            self._close()
            return
        for kind, address, _weight, reason in entries:
            if kind < 0:
                logger.log(_LOG_LEVELS.get(kind, logging.DEBUG), "%s", reason)
            elif address is not None:
                self._event(kind, address, reason)

    def _event(self, kind: int, address: Address, reason: str) -> None:
        discovered = self.discovered
        if discovered is not None and not discovered.done() and kind in (NODE_ADDED, DISCOVERY_ERROR):
            self.discovery_error = reason
            discovered.set_result(kind == NODE_ADDED)
        if self._handler is None or kind not in (NODE_HEALTHY, NODE_UNHEALTHY):
            return
        if len(self._queue) >= MAX_EVENTS:
            logger.warning("Events can't be dispatched, the queue is full")
            return
        self._queue.append((kind, address))
        if self._task is None or self._task.done():
            self._task = self._loop.create_task(self._deliver())

    async def _deliver(self) -> None:
        handler = self._handler
        assert handler is not None
        while self._queue:
            kind, address = self._queue.popleft()
            try:
                if kind == NODE_HEALTHY:
                    await handler.on_node_healthy(self._management, address)
                else:
                    await handler.on_node_unhealthy(self._management, address)
            except Exception:
                logger.exception("Hook raised an exception, continuing processing events")

    def _close(self) -> None:
        self._queue.clear()
        self._management = None
        task, self._task = self._task, None
        if task is None or task.done() or self._loop.is_closed():
            return
        try:
            current = asyncio.current_task(self._loop)
        except RuntimeError:
            current = None
        if task is not current:  # a handler may close the client: it runs to its end
            task.cancel()

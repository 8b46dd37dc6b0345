"""What the engine tells beside outcomes: changes of health, as ClusterEvents hears them, and log lines."""
import asyncio
import logging
from collections import deque
from typing import Any, Callable, Deque, Dict, List, Optional, Set, Tuple

from ._address import Address
from .base import Client, ClusterEvents
from .trace import TraceEvent

logger = logging.getLogger("emcache")

#: As many events wait for a handler that is slow; further ones are dropped, with a warning.
MAX_EVENTS = 1000

#: (subscription, kind, address, weight, reason); the kinds are those of <emcache/cluster.h>, a negative one is a log line: -1 - its level.
Entry = Tuple[int, int, Optional[Address], int, str]

#: The client's own subscription, from its beginning: that of create_client(cluster_events=…), and of autodiscovery.
OWN = 1

NODE_HEALTHY, NODE_UNHEALTHY, NODE_ADDED, NODE_REMOVED, NODE_WEIGHT, DISCOVERY_ERROR = range(6)
#: What a handler is called, by the kind of event; those behind the first two may be missing.
_HANDLERS = {
    NODE_HEALTHY: "on_node_healthy",
    NODE_UNHEALTHY: "on_node_unhealthy",
    NODE_ADDED: "on_node_added",
    NODE_REMOVED: "on_node_removed",
    NODE_WEIGHT: "on_node_weight",
    DISCOVERY_ERROR: "on_discovery_error",
}
_LOG_LEVELS = {-1: logging.ERROR, -2: logging.WARNING, -3: logging.INFO, -4: logging.DEBUG}


def tracer(trace: Callable[[TraceEvent], object]) -> Callable[[List[TraceEvent]], None]:
    """What the extension calls with what has happened since its last call. A trace that raises is told of in the log, and goes on."""

    def deliver(events: List[TraceEvent]) -> None:
        for event in events:
            try:
                trace(event)
            except Exception:
                logger.exception("Trace raised an exception, continuing")

    return deliver


def _hears(handler: Optional[ClusterEvents], name: str) -> bool:
    """Whether a handler has this one, and not as ClusterEvents has it, where it does nothing."""
    hook = getattr(handler, name, None)
    return callable(hook) and getattr(hook, "__func__", hook) is not getattr(ClusterEvents, name)


def check_events(events: object) -> None:
    """TypeError unless it can hear of events."""
    if isinstance(events, type):
        raise TypeError(f"cluster_events: an instance is needed, not the class {events.__name__}")
    for name in ("on_node_healthy", "on_node_unhealthy"):
        if not callable(getattr(events, name, None)):
            raise TypeError(f"cluster_events: a ClusterEvents is needed, not {type(events).__name__}")


class Listener:
    """One ClusterEvents: its hooks run in a task, one at a time, in order."""

    def __init__(self, loop: asyncio.AbstractEventLoop, handler: ClusterEvents) -> None:
        self.handler = handler
        self.management: Any = None
        self._loop = loop
        self._queue: Deque[Tuple[str, Tuple[Any, ...]]] = deque()
        self._heard = {kind: name for kind, name in _HANDLERS.items() if _hears(handler, name)}
        self._task: Optional["asyncio.Task[None]"] = None

    def hear(self, kind: int, address: Address, weight: int, reason: str) -> None:
        name = self._heard.get(kind)
        if name is None:
            return
        if len(self._queue) >= MAX_EVENTS:
            logger.warning("Events can't be dispatched, the queue is full")
            return
        more = {NODE_WEIGHT: (weight,), DISCOVERY_ERROR: (reason,)}
        self._queue.append((name, (address, *more.get(kind, ()))))
        if self._task is None or self._task.done():
            self._task = self._loop.create_task(self._deliver())

    async def _deliver(self) -> None:
        while self._queue:
            name, arguments = self._queue.popleft()
            try:
                await getattr(self.handler, name)(self.management, *arguments)
            except Exception:
                logger.exception("Hook raised an exception, continuing processing events")

    def end(self) -> None:
        """No further hook is called; one that runs goes on."""
        self._queue.clear()

    def close(self) -> None:
        """The client is closed: one that runs is cancelled."""
        self.end()
        self.management = None
        task, self._task = self._task, None
        if task is None or task.done() or self._loop.is_closed():
            return
        try:
            current = asyncio.current_task(self._loop)
        except RuntimeError:
            current = None
        if task is not current:  # a handler may close the client: it runs to its end
            task.cancel()


class Dispatcher:
    """Called by the extension with what has happened since its last call, and with None at the end: log lines go to the logger, events to those who
    have subscribed."""

    def __init__(self, loop: asyncio.AbstractEventLoop, handler: Optional[ClusterEvents]) -> None:
        self._loop = loop
        self._listeners: Dict[int, Listener] = {} if handler is None else {OWN: Listener(loop, handler)}
        #: The dumps under way (_key_stream.py), which end with the client.
        self.streams: Set[Any] = set()
        self.discovered: Optional["asyncio.Future[bool]"] = None
        self.discovery_error = ""

    def attach(self, client: Client) -> None:
        """From now on handlers can be told whose cluster it is."""
        for listener in self._listeners.values():
            listener.management = client.cluster_managment()

    def subscribe(self, subscription: int, handler: ClusterEvents, management: Any) -> None:
        check_events(handler)
        if any(listener.handler is handler for listener in self._listeners.values()):
            raise ValueError("cluster_events: it is subscribed already")
        listener = self._listeners[subscription] = Listener(self._loop, handler)
        listener.management = management

    def unsubscribe(self, handler: ClusterEvents) -> Optional[int]:
        """The subscription that ended; None: there was none."""
        for subscription, listener in self._listeners.items():
            if listener.handler is handler:
                del self._listeners[subscription]
                listener.end()
                return subscription
        return None

    def __call__(self, entries: Optional[List[Entry]]) -> None:
        if entries is None:
            self._close()
            return
        for subscription, kind, address, weight, reason in entries:
            if kind < 0:
                logger.log(_LOG_LEVELS.get(kind, logging.DEBUG), "%s", reason)
                continue
            if address is None:
                continue
            if subscription == OWN:
                self._discover(kind, reason)
            listener = self._listeners.get(subscription)
            if listener is not None:
                listener.hear(kind, address, weight, reason)

    def _discover(self, kind: int, reason: str) -> None:
        discovered = self.discovered
        if discovered is not None and not discovered.done() and kind in (NODE_ADDED, DISCOVERY_ERROR):
            self.discovery_error = reason
            discovered.set_result(kind == NODE_ADDED)

    def _close(self) -> None:
        listeners, self._listeners = self._listeners, {}
        for listener in listeners.values():
            listener.close()
        for stream in list(self.streams):
            stream.client_closed()

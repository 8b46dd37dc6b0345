"""Whether Tasks may be woken directly: tried once, at import, with a real Task.

When an answer comes, the extension takes the next step of the waiting Task from within the loop's reader callback, by calling the wakeup that the Task gave to
add_done_callback() with a future that is finished already. That leans on how the C Task works, so it is used only where this trial passes; everywhere else,
and with EMCACHE_NO_FAST_WAKE set, wakeups go through call_soon as with any future."""
import asyncio
import os
from typing import Any, Callable, Generator, List, Optional, Tuple

from ._emcache import enable_fast_wake


class _Loop:
    """As much of a loop as one Task needs."""

    def __init__(self) -> None:
        self.calls: List[Tuple[Callable[..., object], Tuple[object, ...]]] = []

    def call_soon(self, callback: Callable[..., object], *args: object, context: Optional[object] = None) -> None:
        self.calls.append((callback, args))

    def get_debug(self) -> bool:
        return False

    def call_exception_handler(self, context: object) -> None:
        raise RuntimeError(context)

    def is_closed(self) -> bool:
        return False


class _Probe:
    """What an operation is to a Task: yields itself, and keeps the wakeup."""

    def __init__(self, loop: _Loop) -> None:
        self._asyncio_future_blocking = True
        self._loop = loop
        self.wakeup: Optional[Callable[[object], object]] = None

    def get_loop(self) -> _Loop:
        return self._loop

    def add_done_callback(self, callback: Callable[[object], object], *, context: object = None) -> None:
        self.wakeup = callback

    def __await__(self) -> Generator[Any, None, str]:
        sent = yield self
        return "woken" if sent is None else "wrong"


async def _wait(probe: _Probe) -> str:
    return await probe


def _try() -> bool:
    loop: Any = _Loop()
    probe = _Probe(loop)
    running = asyncio._get_running_loop()
    asyncio._set_running_loop(loop)
    try:
        finished: "asyncio.Future[None]" = asyncio.Future(loop=loop)
        finished.set_result(None)
        task = asyncio.Task(_wait(probe), loop=loop)
        step, args = loop.calls.pop()
        step(*args)
        wakeup = probe.wakeup
        if wakeup is None:
            return False
        wakeup(finished)
        if not (task.done() and task.result() == "woken"):
            return False
        return bool(enable_fast_wake(wakeup))
    finally:
        asyncio._set_running_loop(running)


def _check() -> bool:
    if os.environ.get("EMCACHE_NO_FAST_WAKE", "") not in ("", "0"):
        return False
    try:
        return _try()
    except Exception:
        return False


#: Whether this process wakes Tasks directly.
FAST_WAKE = _check()

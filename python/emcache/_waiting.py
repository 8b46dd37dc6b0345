"""fetch(wait=…): looks again and again until the winner of a lease has filled, or the time is over."""
import asyncio
from typing import TYPE_CHECKING, Optional

from .meta import FetchResult

if TYPE_CHECKING:
    from .base import Client

#: Seconds between two looks, as in the library.
PAUSE = 0.01


async def wait_for_winner(
    client: "Client", key: bytes, lease: int, recache_below: int, timeout: Optional[float], routing_key: Optional[bytes], wait: float
) -> FetchResult:
    """The last look's result. Each look is a command of its own, with the timeout given; a winner that gives up, or whose lease is over, makes this caller
    the next one to win."""
    loop = asyncio.get_running_loop()
    until = loop.time() + wait
    while True:
        result = await client.fetch(key, lease, recache_below=recache_below, timeout=timeout, routing_key=routing_key)
        rest = until - loop.time()
        if result.won or result.value is not None or rest <= 0:
            return result
        await asyncio.sleep(min(PAUSE, rest))


wait_for_winner.__name__ = "fetch"
wait_for_winner.__qualname__ = "Client.fetch"

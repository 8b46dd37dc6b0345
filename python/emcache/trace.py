"""What create_client(trace=…) hears of."""
from typing import NamedTuple, Optional

from ._address import Address


class TraceEvent(NamedTuple):
    """One operation's beginning or end."""

    #: False: it was accepted; True: it has its outcome.
    ended: bool
    #: Its identity, the same at both ends.
    operation: int
    #: As on the wire: "get", "set", "mg", "stats" … That of a bulk call is its lines'.
    command: str
    #: With the client's prefix (base64 for a binary one); None for commands without key and for bulk calls.
    key: Optional[bytes]
    #: How many keys it asks for: 1, more for a bulk call, 0 for a command to a node.
    keys: int
    #: The node it goes to; None: none, or for a bulk call several.
    node: Optional[Address]
    #: Bytes of the value (a bulk call: of all its values): to be stored when it begins, received when it has ended.
    size: int
    #: Seconds from its beginning to its end; 0.0 when it begins.
    duration: float
    #: How it ended: "ok", "miss", "not_stored", "exists", or the error, as "timeout", "node_down" … of <emcache/status.h>. "ok" when it begins.
    status: str
    #: Whether that is an error: a miss is none.
    failed: bool

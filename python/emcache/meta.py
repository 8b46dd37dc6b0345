"""What the meta commands give."""
from dataclasses import dataclass
from typing import Optional


@dataclass
class MetaResult:
    """An answer to a meta command: what was asked for, and what the server says besides. None: not asked for, or not given."""

    #: "ok", "miss", "not_stored" or "exists".
    status: str
    value: Optional[bytes]
    #: meta_arithmetic(): the new number.
    number: Optional[int]
    flags: Optional[int]
    cas: Optional[int]
    #: Seconds left to live; -1: for ever.
    ttl: Optional[int]
    size: Optional[int]
    hit_before: Optional[bool]
    #: Seconds since the item was last accessed.
    last_access: Optional[int]
    opaque: Optional[str]
    #: This caller won the right to fill or recache.
    won: bool
    #: The value is marked stale.
    stale: bool
    #: Another caller has won the right already.
    already_won: bool

    def __bool__(self) -> bool:
        return self.status == "ok"


@dataclass
class FetchResult:
    """What Client.fetch() gives: a value, or the right to load it, or neither (somebody else is loading)."""

    #: None: there is none.
    value: Optional[bytes]
    flags: Optional[int]
    #: This caller is the one to load the value: fill() or give_up() follow.
    won: bool
    #: The value is stale; it may be served while one caller loads.
    stale: bool
    #: Another caller is loading.
    already_won: bool
    #: Names the lease, for fill() and give_up().
    lease: int

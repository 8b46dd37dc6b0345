"""Where a node is."""
from dataclasses import dataclass
from typing import Union


@dataclass(frozen=True)
class MemcachedHostAddress:
    """A host (a name, an IPv4 or an IPv6 address) and a port. Routing uses the words as they are given."""

    address: str
    port: int


@dataclass(frozen=True)
class MemcachedUnixSocketPath:
    """The path of a unix socket."""

    path: str


Address = Union[MemcachedHostAddress, MemcachedUnixSocketPath]

"""What set_many() stores."""
from typing import NamedTuple, Optional, Union

#: What can be stored: bytes, and everything that gives its bytes.
Value = Union[bytes, bytearray, memoryview]


class StoreItem(NamedTuple):
    """A value for set_many() with flags and an expiry of its own; None: those of the call.

    >>> await client.set_many({b"a": b"1", b"b": emcache.StoreItem(b"2", exptime=60), b"c": emcache.StoreItem(b"3", flags=7)}, exptime=3600)

    A class of its own, as a plain tuple would not say which number is which, and an Item has a cas value, which set_many() does not look at, and no
    expiry. A named tuple, as it is made and read at little cost; values that are plain bytes cost nothing more."""

    value: Value
    #: An unsigned 32-bit number kept beside the value.
    flags: Optional[int] = None
    #: Seconds, as in set(): 0 never, up to 30 days from now, above that a Unix time; -1 expires at once.
    exptime: Optional[int] = None

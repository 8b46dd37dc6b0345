"""The interfaces, as programs name them in annotations and as classes of their own implement them.

What create_client() returns is made in C (_emcache) and registered here, so that isinstance() holds. The documentation of each command is below."""
from abc import ABCMeta, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, AsyncGenerator, Dict, Iterable, List, Literal, Mapping, Optional, Sequence, Tuple, Union, overload

from . import _emcache
from ._address import Address
from .connection_pool import ConnectionPoolMetrics, NodeState, OperationMetrics
from .store import StoreItem, Value

if TYPE_CHECKING:
    from .meta import FetchResult, MetaResult

if TYPE_CHECKING:

    @dataclass
    class Item:
        """What a get gives. Flags and cas are None unless they were asked for."""

        value: bytes
        flags: Optional[int]
        cas: Optional[int]

else:

    @dataclass
    class _Fields:
        value: bytes
        flags: Optional[int]
        cas: Optional[int]

    #: Made in C; behaves as this dataclass does.
    Item = _emcache.Item
    Item.__annotations__ = _Fields.__annotations__
    Item.__dataclass_fields__ = _Fields.__dataclass_fields__
    Item.__dataclass_params__ = _Fields.__dataclass_params__
    Item.__match_args__ = ("value", "flags", "cas")


class Client(metaclass=ABCMeta):
    """A client of a cluster, made by create_client().

    Commands are coroutines: await them, or give them to asyncio.create_task(), gather(), wait_for() … Common to all: keys are bytes, 1 to 250 of them
    without spaces and control characters. asyncio.TimeoutError when no answer comes within the client's timeout, of which NodeDownError comes at once;
    CommandError when the server refuses; ClusterNoAvailableNodes when there is no node; RuntimeError when the client is closed; TypeError and
    ValueError for arguments, already at the call.

    Every command takes, beyond emcache 1.3, a `timeout` of its own in seconds (None: the client's; math.inf: no limit), and those on keys a
    `routing_key`: the node is found by this instead of the key (of all keys, in a bulk call), so that what belongs together lies together. It never
    goes on the wire; whoever reads must name the same as whoever wrote."""

    @property
    @abstractmethod
    def closed(self) -> bool:
        """True when the client is closed."""

    @abstractmethod
    async def close(self) -> None:
        """Closes the connections. Operations under way end with a RuntimeError. May be called again."""

    @abstractmethod
    def cluster_managment(self) -> "ClusterManagment":
        """The management view of this client's cluster: the same one at every call. It may be kept, and outlives the client."""

    @abstractmethod
    async def get(
        self, key: bytes, return_flags: bool = False, *, timeout: Optional[float] = None, routing_key: Optional[bytes] = None
    ) -> Optional[Item]:
        """Fetches a value; None for a key that is not there. `flags` of the item is None unless `return_flags`."""

    @abstractmethod
    async def gets(
        self, key: bytes, return_flags: bool = False, *, timeout: Optional[float] = None, routing_key: Optional[bytes] = None
    ) -> Optional[Item]:
        """Fetches a value with its cas value, for cas()."""

    @overload
    async def get_many(
        self,
        keys: Iterable[bytes],
        return_flags: bool = ...,
        *,
        return_exceptions: Literal[False] = ...,
        timeout: Optional[float] = ...,
        routing_key: Optional[bytes] = ...,
    ) -> Dict[bytes, Item]: ...

    @overload
    async def get_many(
        self,
        keys: Iterable[bytes],
        return_flags: bool = ...,
        *,
        return_exceptions: Literal[True],
        timeout: Optional[float] = ...,
        routing_key: Optional[bytes] = ...,
    ) -> Dict[bytes, Union[Item, Exception]]: ...

    @abstractmethod
    async def get_many(
        self,
        keys: Iterable[bytes],
        return_flags: bool = False,
        *,
        return_exceptions: bool = False,
        timeout: Optional[float] = None,
        routing_key: Optional[bytes] = None,
    ) -> Any:
        """Fetches many values, from all nodes at once; keys that are not there are left out.

        The first error ends the call; with `return_exceptions` (beyond emcache 1.3) a key that failed maps to its exception instead."""

    @overload
    async def gets_many(
        self,
        keys: Iterable[bytes],
        return_flags: bool = ...,
        *,
        return_exceptions: Literal[False] = ...,
        timeout: Optional[float] = ...,
        routing_key: Optional[bytes] = ...,
    ) -> Dict[bytes, Item]: ...

    @overload
    async def gets_many(
        self,
        keys: Iterable[bytes],
        return_flags: bool = ...,
        *,
        return_exceptions: Literal[True],
        timeout: Optional[float] = ...,
        routing_key: Optional[bytes] = ...,
    ) -> Dict[bytes, Union[Item, Exception]]: ...

    @abstractmethod
    async def gets_many(
        self,
        keys: Iterable[bytes],
        return_flags: bool = False,
        *,
        return_exceptions: bool = False,
        timeout: Optional[float] = None,
        routing_key: Optional[bytes] = None,
    ) -> Any:
        """Fetches many values with their cas values; as get_many()."""

    @abstractmethod
    async def gat(
        self, exptime: int, key: bytes, return_flags: bool = False, *, timeout: Optional[float] = None, routing_key: Optional[bytes] = None
    ) -> Optional[Item]:
        """Fetches a value and sets its expiry. exptime -1 gives the value and expires it."""

    @abstractmethod
    async def gats(
        self, exptime: int, key: bytes, return_flags: bool = False, *, timeout: Optional[float] = None, routing_key: Optional[bytes] = None
    ) -> Optional[Item]:
        """Fetches a value with its cas value and sets its expiry."""

    @overload
    async def gat_many(
        self,
        exptime: int,
        keys: Iterable[bytes],
        return_flags: bool = ...,
        *,
        return_exceptions: Literal[False] = ...,
        timeout: Optional[float] = ...,
        routing_key: Optional[bytes] = ...,
    ) -> Dict[bytes, Item]: ...

    @overload
    async def gat_many(
        self,
        exptime: int,
        keys: Iterable[bytes],
        return_flags: bool = ...,
        *,
        return_exceptions: Literal[True],
        timeout: Optional[float] = ...,
        routing_key: Optional[bytes] = ...,
    ) -> Dict[bytes, Union[Item, Exception]]: ...

    @abstractmethod
    async def gat_many(
        self,
        exptime: int,
        keys: Iterable[bytes],
        return_flags: bool = False,
        *,
        return_exceptions: bool = False,
        timeout: Optional[float] = None,
        routing_key: Optional[bytes] = None,
    ) -> Any:
        """Fetches many values and sets their expiry; as get_many()."""

    @overload
    async def gats_many(
        self,
        exptime: int,
        keys: Iterable[bytes],
        return_flags: bool = ...,
        *,
        return_exceptions: Literal[False] = ...,
        timeout: Optional[float] = ...,
        routing_key: Optional[bytes] = ...,
    ) -> Dict[bytes, Item]: ...

    @overload
    async def gats_many(
        self,
        exptime: int,
        keys: Iterable[bytes],
        return_flags: bool = ...,
        *,
        return_exceptions: Literal[True],
        timeout: Optional[float] = ...,
        routing_key: Optional[bytes] = ...,
    ) -> Dict[bytes, Union[Item, Exception]]: ...

    @abstractmethod
    async def gats_many(
        self,
        exptime: int,
        keys: Iterable[bytes],
        return_flags: bool = False,
        *,
        return_exceptions: bool = False,
        timeout: Optional[float] = None,
        routing_key: Optional[bytes] = None,
    ) -> Any:
        """Fetches many values with their cas values and sets their expiry; as get_many()."""

    @abstractmethod
    async def set(
        self,
        key: bytes,
        value: Value,
        *,
        flags: int = 0,
        exptime: int = 0,
        noreply: bool = False,
        timeout: Optional[float] = None,
        routing_key: Optional[bytes] = None,
    ) -> None:
        """Stores a value. Raises StorageCommandError when the server refuses it.

        `flags`: an unsigned 32-bit number kept beside the value. `exptime`, in seconds: 0 never, up to 30 days from now, above that a Unix time;
        -1 expires at once. `noreply`: returns as soon as the command is written; what the server says is not seen."""

    @abstractmethod
    async def add(
        self,
        key: bytes,
        value: Value,
        *,
        flags: int = 0,
        exptime: int = 0,
        noreply: bool = False,
        timeout: Optional[float] = None,
        routing_key: Optional[bytes] = None,
    ) -> None:
        """Stores a value if the key has none, else NotStoredStorageCommandError; as set()."""

    @abstractmethod
    async def replace(
        self,
        key: bytes,
        value: Value,
        *,
        flags: int = 0,
        exptime: int = 0,
        noreply: bool = False,
        timeout: Optional[float] = None,
        routing_key: Optional[bytes] = None,
    ) -> None:
        """Stores a value if the key has one, else NotStoredStorageCommandError; as set()."""

    @abstractmethod
    async def append(
        self, key: bytes, value: Value, *, noreply: bool = False, timeout: Optional[float] = None, routing_key: Optional[bytes] = None
    ) -> None:
        """Appends to a value that is there, else NotStoredStorageCommandError."""

    @abstractmethod
    async def prepend(
        self, key: bytes, value: Value, *, noreply: bool = False, timeout: Optional[float] = None, routing_key: Optional[bytes] = None
    ) -> None:
        """Prepends to a value that is there, else NotStoredStorageCommandError."""

    @abstractmethod
    async def cas(
        self,
        key: bytes,
        value: Value,
        cas: int,
        *,
        flags: int = 0,
        exptime: int = 0,
        noreply: bool = False,
        timeout: Optional[float] = None,
        routing_key: Optional[bytes] = None,
    ) -> None:
        """Stores a value if the item's cas value is still `cas`: NotStoredStorageCommandError when it has changed, StorageCommandError when it is
        gone."""

    @abstractmethod
    async def increment(
        self, key: bytes, value: int, *, noreply: bool = False, timeout: Optional[float] = None, routing_key: Optional[bytes] = None
    ) -> Optional[int]:
        """Adds to a decimal number, wrapping at 2**64, and returns the new one (None with `noreply`). NotFoundCommandError when the key is not
        there."""

    @abstractmethod
    async def decrement(
        self, key: bytes, value: int, *, noreply: bool = False, timeout: Optional[float] = None, routing_key: Optional[bytes] = None
    ) -> Optional[int]:
        """Subtracts from a decimal number, stopping at 0; as increment()."""

    @abstractmethod
    async def touch(
        self, key: bytes, exptime: int, *, noreply: bool = False, timeout: Optional[float] = None, routing_key: Optional[bytes] = None
    ) -> None:
        """Sets an item's expiry. NotFoundCommandError when the key is not there."""

    @abstractmethod
    async def delete(self, key: bytes, *, noreply: bool = False, timeout: Optional[float] = None, routing_key: Optional[bytes] = None) -> None:
        """Deletes a key. NotFoundCommandError when it is not there."""

    @abstractmethod
    async def flush_all(self, memcached_host_address: Address, delay: int = 0, *, noreply: bool = False, timeout: Optional[float] = None) -> None:
        """Makes everything on a node expire, at once or in `delay` seconds."""

    @abstractmethod
    async def version(self, memcached_host_address: Address, *, timeout: Optional[float] = None) -> Optional[str]:
        """The version of a node's server."""

    @abstractmethod
    async def stats(self, memcached_host_address: Address, *args: str, timeout: Optional[float] = None) -> Dict[str, str]:
        """A node's statistics: the general ones, or those named by args ("items", "slabs", "settings" …)."""

    @abstractmethod
    async def verbosity(self, memcached_host_address: Address, level: int, *, noreply: bool = False, timeout: Optional[float] = None) -> None:
        """Sets how talkative a node's log is."""

    @abstractmethod
    async def cache_memlimit(self, memcached_host_address: Address, value: int, *, noreply: bool = False, timeout: Optional[float] = None) -> None:
        """Sets a node's memory limit, in megabytes."""

    # What follows is beyond emcache 1.3. It is not abstract, so that classes written against that one stay whole.

    @property
    def pending(self) -> int:
        """Operations awaited and not yet complete."""
        raise NotImplementedError

    def cluster_management(self) -> "ClusterManagment":
        """cluster_managment(), spelt as a dictionary has it."""
        return self.cluster_managment()

    def set_credentials(self, username: Optional[str], password: Optional[str]) -> None:
        """Takes other credentials for connections from now on; both None: no authentication. Established connections go on, nodes that are down are
        tried at once."""
        raise NotImplementedError

    def reload_ssl(
        self,
        *,
        ssl_verify: bool = True,
        ssl_extra_ca: Optional[str] = None,
        ssl_trust: Optional[str] = None,
        ssl_trust_folder: Optional[str] = None,
        ssl_certificate: Optional[str] = None,
        ssl_key: Optional[str] = None,
        ssl_key_password: Optional[str] = None,
        ssl_version_min: str = "1.2",
        ssl_session_resumption: bool = True,
    ) -> None:
        """Reads the certificates anew, for connections from now on; established ones go on as they are. The arguments are create_client()'s and
        complete: nothing is kept of what that was given. Files that can't be used raise ValueError, and everything stays as it was. RuntimeError
        when the client was created without `ssl`."""
        raise NotImplementedError

    async def set_many(
        self,
        items: Mapping[bytes, Union[Value, StoreItem]],
        *,
        flags: int = 0,
        exptime: int = 0,
        noreply: bool = False,
        timeout: Optional[float] = None,
        routing_key: Optional[bytes] = None,
    ) -> Dict[bytes, Union[bool, Exception]]:
        """Stores many values, on all nodes at once. A status for each key: True, or the exception that set() would have raised.

        `flags` and `exptime` are those of every item that is a plain value, or a StoreItem without its own."""
        raise NotImplementedError

    async def delete_many(
        self, keys: Iterable[bytes], *, noreply: bool = False, timeout: Optional[float] = None, routing_key: Optional[bytes] = None
    ) -> Dict[bytes, Union[bool, Exception]]:
        """Deletes many keys. A status for each: True, False when it was not there, or an exception."""
        raise NotImplementedError

    async def dump_keys(
        self, memcached_host_address: Address, *, keys_only: bool = False, timeout: Optional[float] = None
    ) -> List[Tuple[bytes, bytes]]:
        """All keys of a node, each with the server's line about it (`lru_crawler metadump`; with `keys_only` the leaner `mgdump`, which needs
        memcached 1.6.19). CommandError while another dump is under way. It takes memory for all of them, and a connection for as long as it lasts
        (others' commands use another one): of a node with many keys, stream_keys() is the way."""
        raise NotImplementedError

    def stream_keys(
        self, memcached_host_address: Address, *, keys_only: bool = False, timeout: Optional[float] = None
    ) -> AsyncGenerator[Tuple[bytes, bytes], None]:
        """What dump_keys() gives, as it comes:

        >>> async for key, line in client.stream_keys(address):
        ...     print(key, line)

        It has a connection of its own, so no other command waits for it, and reads from it only as fast as the keys are taken: memory is bounded, a few
        MiB, whatever the size of the dump. A consumer that is slow keeps the server's LRU crawler waiting, and nothing else. What is added and
        deleted meanwhile may be among the keys or not.

        Leaving the loop early, cancelling its Task, or aclose() ends the dump and its connection. (As with every async generator, `break` ends it when nobody
        holds it any more; contextlib.aclosing() ends it there and then.)

        `timeout`, in seconds: how long the server may keep the loop waiting for the next key (None: the client's; math.inf: no limit), then
        asyncio.TimeoutError. Other errors as dump_keys() raises them, what came before them having been given; RuntimeError when the client is closed
        meanwhile."""
        raise NotImplementedError

    async def administer(self, memcached_host_address: Address, command: str, *, timeout: Optional[float] = None) -> None:
        """One of the administrator's commands that a server answers in one line, as memcached's protocol.txt has it: "slabs automove 1",
        "lru_crawler enable", "lru tune …", "extstore …", "refresh_certs". ValueError for any other, CommandError when the server refuses."""
        raise NotImplementedError

    async def quit(self, memcached_host_address: Address, *, timeout: Optional[float] = None) -> None:
        """Has the node's server close one of the connections, behind what was submitted before. Another is opened when one is needed."""
        raise NotImplementedError

    async def meta_get(
        self,
        key: bytes,
        *,
        want: Iterable[str] = ("value",),
        binary_key: bool = False,
        no_bump: bool = False,
        ttl: Optional[int] = None,
        vivify_ttl: Optional[int] = None,
        recache_below: Optional[int] = None,
        cas: int = 0,
        opaque: Optional[str] = None,
        quiet: bool = False,
        timeout: Optional[float] = None,
        routing_key: Optional[bytes] = None,
    ) -> "MetaResult":
        """mg. `want`: any of "value", "flags", "cas", "ttl", "size", "hit_before", "last_access", "key". `ttl`: a new time to live. `vivify_ttl`: on a
        miss an empty item of that time to live is made, and this caller has won it. `recache_below`: less than so many seconds left wins the right
        to recache. `cas`: only if the item has this one (memcached 1.6.40). `binary_key`: 1 to 186 bytes of any kind. `quiet`: the server answers only
        the unusual, and an `mn` behind it makes the outcome exact."""
        raise NotImplementedError

    async def meta_set(
        self,
        key: bytes,
        value: Value,
        *,
        mode: str = "set",
        want: Iterable[str] = (),
        binary_key: bool = False,
        invalidate: bool = False,
        ttl: Optional[int] = None,
        vivify_ttl: Optional[int] = None,
        cas: int = 0,
        new_cas: int = 0,
        flags: int = 0,
        opaque: Optional[str] = None,
        quiet: bool = False,
        timeout: Optional[float] = None,
        routing_key: Optional[bytes] = None,
    ) -> "MetaResult":
        """ms. `mode`: "set", "add", "replace", "append" or "prepend". `want`: any of "cas", "size", "key". `invalidate`: store as stale when `cas` is
        older than the item's. `new_cas`: the cas value the item shall have (memcached 1.6.27)."""
        raise NotImplementedError

    async def meta_delete(
        self,
        key: bytes,
        *,
        want: Iterable[str] = (),
        binary_key: bool = False,
        invalidate: bool = False,
        drop_value: bool = False,
        ttl: Optional[int] = None,
        cas: int = 0,
        new_cas: int = 0,
        opaque: Optional[str] = None,
        quiet: bool = False,
        timeout: Optional[float] = None,
        routing_key: Optional[bytes] = None,
    ) -> "MetaResult":
        """md. `invalidate`: mark stale instead, for `ttl` seconds. `drop_value`: empty the value, keep the item (memcached 1.6.27)."""
        raise NotImplementedError

    async def meta_arithmetic(
        self,
        key: bytes,
        *,
        delta: int = 1,
        decrement: bool = False,
        initial: int = 0,
        want: Iterable[str] = ("value",),
        binary_key: bool = False,
        ttl: Optional[int] = None,
        vivify_ttl: Optional[int] = None,
        cas: int = 0,
        new_cas: int = 0,
        opaque: Optional[str] = None,
        quiet: bool = False,
        timeout: Optional[float] = None,
        routing_key: Optional[bytes] = None,
    ) -> "MetaResult":
        """ma. With `vivify_ttl` a key that is not there begins with `initial`."""
        raise NotImplementedError

    async def meta_noop(self, memcached_host_address: Address, *, timeout: Optional[float] = None) -> None:
        """mn: a node's server answers, nothing else; how long that takes is how far away it is."""
        raise NotImplementedError

    async def meta_debug(self, key: bytes, *, timeout: Optional[float] = None, routing_key: Optional[bytes] = None) -> Optional[str]:
        """me: what the server knows of an item, as "exp=-1 la=3 cas=2 fetch=no cls=1 size=63"; None when it is not there. A key that a text key can't
        be is taken for a binary one."""
        raise NotImplementedError

    async def fetch(
        self,
        key: bytes,
        lease: int,
        *,
        recache_below: int = 0,
        timeout: Optional[float] = None,
        routing_key: Optional[bytes] = None,
        wait: float = 0.0,
    ) -> "FetchResult":
        """Fetches a value with a lease, against stampedes: when the key is missing, stale, or has less than `recache_below` seconds left, exactly one
        caller gets `won` and loads it within `lease` seconds (1 to 30 days); the others get the old value at once, or None with `already_won`.

        `wait`, in seconds (0: not at all; math.inf: as long as it takes): where there is no old value, so long this call waits for the winner's, looking
        every 10 ms; each look has the `timeout`. None with `already_won` when it has not come by then. A winner that gives up, or is too late, makes one
        of those that wait the next winner."""
        raise NotImplementedError

    async def fill(
        self,
        key: bytes,
        value: Value,
        lease: "FetchResult",
        *,
        flags: int = 0,
        exptime: int = 0,
        timeout: Optional[float] = None,
        routing_key: Optional[bytes] = None,
    ) -> bool:
        """Stores the value that a lease was won for. False when the key was changed or deleted meanwhile: then nothing is stored."""
        raise NotImplementedError

    async def give_up(self, key: bytes, lease: "FetchResult", *, timeout: Optional[float] = None, routing_key: Optional[bytes] = None) -> bool:
        """Gives a lease back when the value can't be loaded: the next caller wins at once. False when the key was changed meanwhile."""
        raise NotImplementedError

    async def invalidate(self, key: bytes, stale: int, *, timeout: Optional[float] = None, routing_key: Optional[bytes] = None) -> bool:
        """Marks a value stale for `stale` seconds: the first fetch() wins, the others get the stale value. False when the key is not there."""
        raise NotImplementedError

    async def count(
        self,
        key: bytes,
        delta: int = 1,
        *,
        initial: int = 0,
        exptime: int = 0,
        timeout: Optional[float] = None,
        routing_key: Optional[bytes] = None,
    ) -> int:
        """Counts: adds `delta` (negative: subtracts, stopping at 0) to a number that begins with `initial` and `exptime` where there is none."""
        raise NotImplementedError


_emcache_client: Any = _emcache.Client
Client.register(_emcache_client)


class ClusterEvents(metaclass=ABCMeta):
    """Hears of changes in the cluster: given to create_client(cluster_events=…), or to ClusterManagment.subscribe(). Events come in order, one at a
    time. What is not abstract is beyond emcache 1.3, and may be left out."""

    @abstractmethod
    async def on_node_healthy(self, cluster_managment: "ClusterManagment", host: Address) -> None:
        """A node answers again."""

    @abstractmethod
    async def on_node_unhealthy(self, cluster_managment: "ClusterManagment", host: Address) -> None:
        """A node can't be reached, or is silent. With `purge_unhealthy_nodes` its keys go elsewhere from now on."""

    async def on_node_added(self, cluster_managment: "ClusterManagment", host: Address) -> None:
        """A node has joined, by add_node(), replace_nodes() or autodiscovery."""

    async def on_node_removed(self, cluster_managment: "ClusterManagment", host: Address) -> None:
        """A node has left."""

    async def on_node_weight(self, cluster_managment: "ClusterManagment", host: Address, weight: int) -> None:
        """A node's weight has changed."""

    async def on_discovery_error(self, cluster_managment: "ClusterManagment", host: Address, reason: str) -> None:
        """Autodiscovery got no usable answer from the endpoint `host`; the last good list stays."""


class ClusterManagment(metaclass=ABCMeta):
    """The view of a client's cluster.

    >>> client = await emcache.create_client(...)
    >>> cluster_managment = client.cluster_managment()
    >>> print(cluster_managment.nodes())

    It may be kept: it holds its client, and when that is closed it answers with the last state."""

    @abstractmethod
    def nodes(self) -> Sequence[Address]:
        """All nodes, in the order they were given."""

    @abstractmethod
    def healthy_nodes(self) -> Sequence[Address]:
        """The nodes that are healthy: connected and answering, or not yet found otherwise."""

    @abstractmethod
    def unhealthy_nodes(self) -> Sequence[Address]:
        """The nodes that are unhealthy: commands to them fail at once."""

    @abstractmethod
    def connection_pool_metrics(self) -> Mapping[Address, ConnectionPoolMetrics]:
        """How the connection pool of each node fares."""

    # Beyond emcache 1.3. What is told by node tells of the gutter's too, behind the members.

    def gutter_nodes(self) -> Sequence[Address]:
        """The nodes of the gutter (`failover="gutter"`), healthy or not; they are in none of the lists above."""
        raise NotImplementedError

    def operation_metrics(self) -> Mapping[Address, OperationMetrics]:
        """How long the operations of each node take."""
        raise NotImplementedError

    def node_states(self) -> Mapping[Address, NodeState]:
        """Why each node is as it is, since when, and which server it runs."""
        raise NotImplementedError

    def node_for_key(self, key: bytes) -> Address:
        """The node that a command on `key` goes to now."""
        raise NotImplementedError

    def add_node(self, host: Address, weight: int = 100) -> None:
        """Adds a node: from now on keys may go to it. ValueError when it is there already."""
        raise NotImplementedError

    def remove_node(self, host: Address) -> None:
        """Removes a node: nothing new is sent to it, what is in flight completes. ValueError when it is not there, or the last one."""
        raise NotImplementedError

    def set_weight(self, host: Address, weight: int) -> None:
        """Sets a node's weight, 1 or more; matters to the kinds of routing that know weights."""
        raise NotImplementedError

    def replace_nodes(self, nodes: Union[Iterable[Address], Mapping[Address, int]]) -> None:
        """Replaces the whole list (or mapping from address to weight) in one step: nodes that stay keep their connections."""
        raise NotImplementedError

    def subscribe(self, cluster_events: ClusterEvents) -> None:
        """Has a ClusterEvents hear of what happens from now on, until it is unsubscribed or the client is closed; each has its own order, and a slow one
        holds up no other. As with create_client(cluster_events=…), such a client lives until it is closed.

        TypeError when it is none, ValueError when it is subscribed already, RuntimeError when the client is closed or another thread's."""
        raise NotImplementedError

    def unsubscribe(self, cluster_events: ClusterEvents) -> bool:
        """Ends what subscribe(), or create_client(cluster_events=…), began: none of its hooks is called any more, and one that runs goes on to its end. False
        when it is not subscribed, or the client is closed. RuntimeError in another thread."""
        raise NotImplementedError


_emcache_management: Any = _emcache.ClusterManagment
ClusterManagment.register(_emcache_management)

#: As a dictionary spells it.
ClusterManagement = ClusterManagment

"""create_client()."""
import asyncio
import logging
from typing import Any, Callable, Dict, Iterable, Mapping, Optional, Sequence, Tuple, Union

from . import _emcache
from ._address import Address, MemcachedHostAddress, MemcachedUnixSocketPath
from ._events import Dispatcher, check_events, logger, tracer
from ._fast_wake import FAST_WAKE
from .base import Client, ClusterEvents, ClusterManagment, Item
from .client_errors import ClusterNoAvailableNodes, CommandError, NotFoundCommandError, NotStoredStorageCommandError, StorageCommandError
from .default_values import (
    DEFAULT_AUTOBATCHING_ENABLED,
    DEFAULT_AUTOBATCHING_MAX_KEYS,
    DEFAULT_AUTODISCOVERY_POLL_INTERVAL,
    DEFAULT_AUTODISCOVERY_TIMEOUT,
    DEFAULT_CONNECTION_TIMEOUT,
    DEFAULT_MAX_CONNECTIONS,
    DEFAULT_MIN_CONNECTIONS,
    DEFAULT_PURGE_UNHEALTHY_NODES,
    DEFAULT_PURGE_UNUSED_CONNECTIONS_AFTER,
    DEFAULT_SSL,
    DEFAULT_SSL_VERIFY,
    DEFAULT_STARTUP_WAIT_AUTODISCOVERY,
    DEFAULT_TIMEOUT,
)
from .trace import TraceEvent

#: create_client(), and what programs have learned to import from here besides.
__all__ = (
    "Client",
    "ClusterEvents",
    "ClusterManagment",
    "CommandError",
    "create_client",
    "Item",
    "MemcachedHostAddress",
    "MemcachedUnixSocketPath",
    "NotFoundCommandError",
    "NotStoredStorageCommandError",
    "StorageCommandError",
)

#: The class of what create_client() returns, by the name that it has in emcache 1.3: for isinstance() and the patches of tests.
_Client = _emcache.Client

#: The kinds of routing, in the order of <emcache/routing_kind.h>.
ROUTING_KINDS = (
    "emcache",
    "rendezvous",
    "ketama_weighted",
    "ketama",
    "ketama_md5",
    "modula",
    "pymemcache",
    "pymemcache_bytes",
    "spymemcached",
    "twemproxy",
    "jump",
    "mcrouter",
    "dalli",
)
FAILOVER_KINDS = ("fail", "next", "gutter")
DISCOVERY_KINDS = ("none", "cluster", "dns", "dns_srv")

#: The engine's connections carry many operations each; programs written for a connection per task ask for more than it ever needs.
MAX_CONNECTIONS = 64


#: The longest limit in seconds.
MAX_SECONDS = 2147483


def _out_of_range(name: str, value: object, words: str) -> ValueError:
    """With the value, unless that is long: an int of thousands of digits has no text."""
    try:
        text = repr(value)
    except ValueError:
        text = ""
    return ValueError(f"{name}: {text}; {words}" if 0 < len(text) <= 60 else f"{name}: {words}")


def _index(name: str, value: str, words: Tuple[str, ...]) -> int:
    if not isinstance(value, str):
        raise TypeError(f"{name}: a str is needed, not {type(value).__name__}")
    if value not in words:
        raise _out_of_range(name, value, f"it is one of {', '.join(words)}")
    return words.index(value)


def _check_seconds(name: str, value: object) -> None:
    if not isinstance(value, (int, float)):
        raise TypeError(f"{name}: seconds are needed, not {type(value).__name__}")
    if not 0 < value <= MAX_SECONDS:
        raise _out_of_range(name, value, f"it is more than 0 and at most {MAX_SECONDS} seconds")


def _connections(max_connections: int, min_connections: Optional[int]) -> Dict[str, int]:
    if not isinstance(max_connections, int):
        raise TypeError(f"max_connections: an int is needed, not {type(max_connections).__name__}")
    if min_connections is not None and not isinstance(min_connections, int):
        raise TypeError(f"min_connections: an int or None is needed, not {type(min_connections).__name__}")
    if max_connections < 1:
        raise _out_of_range("max_connections", max_connections, "it is at least 1")
    if min_connections is not None and min_connections < 0:
        raise _out_of_range("min_connections", min_connections, "it is at least 0")
    least = min(DEFAULT_MIN_CONNECTIONS, max_connections) if min_connections is None else min_connections
    if least > max_connections:
        raise _out_of_range("min_connections", least, f"it is at most max_connections, {max_connections}")
    return {"max_connections": min(max_connections, MAX_CONNECTIONS), "min_connections": min(least, MAX_CONNECTIONS)}


def _nodes(node_addresses: Union[Sequence[Address], Mapping[Address, int]], discovers: bool) -> Tuple[Tuple[Address, ...], Optional[Tuple[int, ...]]]:
    """The addresses, and their weights where there are any."""
    if not node_addresses:
        raise ValueError("node_addresses: at least one is needed")
    if not hasattr(node_addresses, "__iter__"):
        raise TypeError(f"node_addresses: a list of addresses is needed, not {type(node_addresses).__name__}")
    if not isinstance(node_addresses, Mapping):
        return tuple(node_addresses), None
    if discovers:
        raise ValueError("node_addresses: weights do not go with autodiscovery, which brings its own")
    return tuple(node_addresses), tuple(node_addresses.values())


def _discovery(kind: str, interval: float, timeout: float) -> Dict[str, Any]:
    _check_seconds("autodiscovery_poll_interval", interval)
    _check_seconds("autodiscovery_timeout", timeout)
    return {
        "discovery": _index("autodiscovery_kind", kind, DISCOVERY_KINDS),
        "autodiscovery_poll_interval": max(interval, 0.1),
        "autodiscovery_timeout": timeout,
        "discovery_start_timeout_ms": 0,  # awaited in create_client, not in the engine
    }


async def create_client(
    node_addresses: Union[Sequence[Address], Mapping[Address, int]],
    *,
    timeout: Optional[float] = DEFAULT_TIMEOUT,
    max_connections: int = DEFAULT_MAX_CONNECTIONS,
    min_connections: Optional[int] = DEFAULT_MIN_CONNECTIONS,
    purge_unused_connections_after: Optional[float] = DEFAULT_PURGE_UNUSED_CONNECTIONS_AFTER,
    connection_timeout: Optional[float] = DEFAULT_CONNECTION_TIMEOUT,
    cluster_events: Optional[ClusterEvents] = None,
    purge_unhealthy_nodes: bool = DEFAULT_PURGE_UNHEALTHY_NODES,
    autobatching: bool = DEFAULT_AUTOBATCHING_ENABLED,
    autobatching_max_keys: int = DEFAULT_AUTOBATCHING_MAX_KEYS,
    ssl: bool = DEFAULT_SSL,
    ssl_verify: bool = DEFAULT_SSL_VERIFY,
    ssl_extra_ca: Optional[str] = None,
    username: Optional[str] = None,
    password: Optional[str] = None,
    autodiscovery: bool = False,
    autodiscovery_poll_interval: float = DEFAULT_AUTODISCOVERY_POLL_INTERVAL,
    autodiscovery_timeout: float = DEFAULT_AUTODISCOVERY_TIMEOUT,
    # Beyond emcache 1.3.
    autodiscovery_kind: str = "cluster",
    autodiscovery_start_timeout: float = DEFAULT_STARTUP_WAIT_AUTODISCOVERY,
    routing: str = "emcache",
    hash_tag: Optional[str] = None,
    failover: str = "fail",
    gutter_nodes: Iterable[Address] = (),
    gutter_exptime: int = 10,
    return_steady: float = 0.0,
    busy_poll: float = 0.0,
    deletes_replayed_max: int = 0,
    key_prefix: Optional[str] = None,
    sasl: bool = False,
    ssl_trust: Optional[str] = None,
    ssl_trust_folder: Optional[str] = None,
    ssl_certificate: Optional[str] = None,
    ssl_key: Optional[str] = None,
    ssl_key_password: Optional[str] = None,
    ssl_version_min: str = "1.2",
    ssl_session_resumption: bool = True,
    trace: Optional[Callable[[TraceEvent], object]] = None,
    engine_options: Optional[Mapping[str, Any]] = None,
) -> Client:
    """A client on the nodes given. Connections are opened in the background: nodes that are down are no error here. Durations are seconds.

    - `timeout`: how long a command may take; None: no limit.
    - `max_connections`, `min_connections`: of each node's pool. A connection carries many commands at once, so the defaults serve thousands of
      tasks; more than 64 count as 64.
    - `purge_unused_connections_after`: a connection beyond the minimum that was not used for so long is closed; None: never.
    - `connection_timeout`: how long one attempt to connect may take; None: no limit.
    - `cluster_events`: hears of changes of health. (`client.cluster_management().subscribe(…)` has further ones hear, or one from later on.)
    - `purge_unhealthy_nodes`: keys of an unhealthy node go to other nodes until it is healthy again.
    - `autobatching`, `autobatching_max_keys`: gets of one turn of the loop go out together, those of one key as one. The engine puts what is submitted in
      one turn into as few writes as it can in any case; with `autobatching` it never sends the first one ahead.
    - `ssl`, `ssl_verify`, `ssl_extra_ca`: TLS; whether certificates are checked (True or False; TypeError for None and the like, which emcache 1.3 takes
      for False); a file of certificate authorities trusted beside the system's.
    - `username`, `password`: both or none.
    - `autodiscovery`: the list of nodes comes from `config get cluster` at the address given, asked every `autodiscovery_poll_interval`.

    Beyond emcache:

    - `node_addresses` may be a mapping from address to weight, 1 or more (100 is usual), for the kinds of routing that know weights.
    - `autodiscovery_kind`: "cluster"; "dns", all addresses of the one host given; "dns_srv", its SRV records. ValueError without `autodiscovery`.
    - `autodiscovery_start_timeout`: how long this call waits for the first list.
    - `routing`: how a key finds its node: "emcache" (as emcache 1.3 does it, so that no key moves), "rendezvous", "ketama_weighted", "ketama",
      "ketama_md5", "modula", "pymemcache", "pymemcache_bytes", "spymemcached", "twemproxy", "jump", "mcrouter", "dalli".
    - `hash_tag`: two characters; routing looks only at what stands between them, when both are in the key.
    - `failover`: what happens to commands whose node is unhealthy: "fail" at once, the "next" node, or the `gutter_nodes`, where they expire after
      `gutter_exptime` seconds at the latest.
    - `return_steady`: a node is used again only after it answered for so long.
    - `busy_poll`: while one command alone is under way, its answer is asked for again and again for so long, 0.001 at most, before the loop sleeps. It keeps a
      core busy, and the loop and other threads of the program wait meanwhile (up to 16 times in a row). For a server on another core or over a fast network.
    - `deletes_replayed_max`: so many deletes that could not reach a down node are remembered and replayed before it serves again.
    - `key_prefix`: put before every key on the wire; not part of routing.
    - `sasl`: the credentials go by SASL PLAIN over the binary protocol.
    - `ssl_trust`: a file of certificate authorities trusted instead of the system's; `ssl_trust_folder`: a folder of them named by their hashes
      (`openssl rehash`), alone or beside the file. `ssl_certificate`, `ssl_key`, `ssl_key_password`: the client's own
      certificate. `ssl_version_min`: "1.2" or "1.3".
    - `trace`: called with a TraceEvent at each operation's beginning and end: the beginning within the Task that submits it, the end before that Task
      goes on. What it raises goes to the log.
    - `engine_options`: anything else of <emcache/options.h> by its name there; durations in seconds."""
    loop = asyncio.get_running_loop()
    nodes, weights = _nodes(node_addresses, bool(autodiscovery))
    if bool(username) != bool(password):
        raise ValueError("username, password: both are needed, or none")
    if not isinstance(autobatching_max_keys, int):
        raise TypeError(f"autobatching_max_keys: an int is needed, not {type(autobatching_max_keys).__name__}")
    if autobatching_max_keys < 1:
        raise _out_of_range("autobatching_max_keys", autobatching_max_keys, "it is at least 1")
    if cluster_events is not None:
        check_events(cluster_events)
    if trace is not None and not callable(trace):
        raise TypeError(f"trace: a callable is needed, not {type(trace).__name__}")
    if not hasattr(gutter_nodes, "__iter__"):
        raise TypeError(f"gutter_nodes: a list of addresses is needed, not {type(gutter_nodes).__name__}")
    if autodiscovery and autodiscovery_start_timeout is not None:
        _check_seconds("autodiscovery_start_timeout", autodiscovery_start_timeout)
    if not autodiscovery and autodiscovery_kind != "cluster":
        raise ValueError("autodiscovery_kind: it needs autodiscovery=True")
    if not autodiscovery and autodiscovery_start_timeout != DEFAULT_STARTUP_WAIT_AUTODISCOVERY:
        raise ValueError("autodiscovery_start_timeout: it needs autodiscovery=True")
    if not isinstance(engine_options or {}, Mapping):
        raise TypeError(f"engine_options: a mapping is needed, not {type(engine_options).__name__}")
    options: Dict[str, Any] = {
        "timeout": timeout,
        "purge_unused_connections_after": purge_unused_connections_after,
        "connection_timeout": connection_timeout,
        "purge_unhealthy_nodes": purge_unhealthy_nodes,
        "username": username or None,
        "password": password or None,
        "sasl": sasl,
        "routing": _index("routing", routing, ROUTING_KINDS),
        "failover": _index("failover", failover, FAILOVER_KINDS),
        "gutter_exptime": gutter_exptime,
        "deletes_replayed_max": deletes_replayed_max,
        "key_prefix": key_prefix,
        **_connections(max_connections, min_connections),
    }
    if return_steady:
        options["return_steady"] = return_steady
    if busy_poll:
        options["busy_poll"] = busy_poll
    if logger.isEnabledFor(logging.DEBUG):
        options["log_level"] = 3
    if hash_tag is not None:
        if not isinstance(hash_tag, str):
            raise TypeError(f"hash_tag: a str is needed, not {type(hash_tag).__name__}")
        if len(hash_tag) != 2:
            raise _out_of_range("hash_tag", hash_tag, "it has two characters")
        options["hash_tag_open"], options["hash_tag_close"] = hash_tag[0], hash_tag[1]
    if ssl is not None and not isinstance(ssl, int):
        raise TypeError(f"ssl: True or False is needed, not {type(ssl).__name__}; certificates are given by ssl_trust, ssl_certificate and the like")
    for name, value in (
        ("ssl_trust", ssl_trust),
        ("ssl_trust_folder", ssl_trust_folder),
        ("ssl_certificate", ssl_certificate),
        ("ssl_key", ssl_key),
        ("ssl_key_password", ssl_key_password),
    ):
        if value is not None and not ssl:
            raise ValueError(f"{name}: it needs ssl=True")
    if ssl_version_min != "1.2" and not ssl:
        raise ValueError("ssl_version_min: it needs ssl=True")
    if ssl:
        options.update(
            ssl=True,
            ssl_verify=ssl_verify,
            ssl_extra_ca=ssl_extra_ca,
            ssl_trust=ssl_trust,
            ssl_trust_folder=ssl_trust_folder,
            ssl_certificate=ssl_certificate,
            ssl_key=ssl_key,
            ssl_key_password=ssl_key_password,
            ssl_version_min=ssl_version_min,
            ssl_session_resumption=ssl_session_resumption,
        )
    if autodiscovery:
        options.update(_discovery(autodiscovery_kind, autodiscovery_poll_interval, autodiscovery_timeout))
    if autobatching:
        options["keys_per_line_max"] = min(autobatching_max_keys, 1000)
    options.update(engine_options or {})

    dispatcher = Dispatcher(loop, cluster_events)
    if autodiscovery:
        dispatcher.discovered = loop.create_future()
    client: Any = _emcache.Client(
        loop,
        nodes,
        weights,
        options,
        tuple(gutter_nodes),
        dispatcher,
        tracer(trace) if trace is not None else None,
        cluster_events is not None,
        FAST_WAKE,
        bool(autobatching),
    )
    dispatcher.attach(client)
    if dispatcher.discovered is not None:
        try:
            if not await asyncio.wait_for(dispatcher.discovered, autodiscovery_start_timeout):
                raise ClusterNoAvailableNodes(f"autodiscovery found no nodes: {dispatcher.discovery_error}")
        except BaseException:
            await client.close()
            raise
    result: Client = client
    return result

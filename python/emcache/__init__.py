"""A client of memcached clusters for asyncio: the API of emcache, on an engine in C."""
from ._address import MemcachedHostAddress, MemcachedUnixSocketPath
from ._emcache import format_address, parse_address
from .base import Client, ClusterEvents, ClusterManagment, ClusterManagement, Item
from .client import create_client
from .client_errors import (
    AuthenticationError,
    ClusterNoAvailableNodes,
    CommandError,
    ConnectionLostError,
    NodeDownError,
    NotFoundCommandError,
    NotNumberCommandError,
    NotStoredStorageCommandError,
    StorageCommandError,
    UnsupportedCommandError,
)
from .connection_pool import ConnectionPoolMetrics, NodeState, OperationMetrics
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
from .meta import FetchResult, MetaResult
from .store import StoreItem
from .trace import TraceEvent
from .version import __version__

__all__ = (
    "AuthenticationError",
    "Client",
    "ClusterEvents",
    "ClusterManagement",
    "ClusterManagment",
    "ClusterNoAvailableNodes",
    "CommandError",
    "ConnectionLostError",
    "ConnectionPoolMetrics",
    "create_client",
    "DEFAULT_AUTOBATCHING_ENABLED",
    "DEFAULT_AUTOBATCHING_MAX_KEYS",
    "DEFAULT_AUTODISCOVERY_POLL_INTERVAL",
    "DEFAULT_AUTODISCOVERY_TIMEOUT",
    "DEFAULT_CONNECTION_TIMEOUT",
    "DEFAULT_MAX_CONNECTIONS",
    "DEFAULT_MIN_CONNECTIONS",
    "DEFAULT_PURGE_UNHEALTHY_NODES",
    "DEFAULT_PURGE_UNUSED_CONNECTIONS_AFTER",
    "DEFAULT_SSL",
    "DEFAULT_SSL_VERIFY",
    "DEFAULT_STARTUP_WAIT_AUTODISCOVERY",
    "DEFAULT_TIMEOUT",
    "FetchResult",
    "format_address",
    "Item",
    "MemcachedHostAddress",
    "MemcachedUnixSocketPath",
    "MetaResult",
    "NodeDownError",
    "NodeState",
    "NotFoundCommandError",
    "NotNumberCommandError",
    "NotStoredStorageCommandError",
    "OperationMetrics",
    "parse_address",
    "StorageCommandError",
    "StoreItem",
    "TraceEvent",
    "UnsupportedCommandError",
    "__version__",
)

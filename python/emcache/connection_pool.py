"""What the management view tells about a node."""
from dataclasses import dataclass
from typing import Optional


@dataclass
class ConnectionPoolMetrics:
    """How a node's connection pool fares. Counters count since the node was added."""

    #: Connections established now.
    cur_connections: int

    #: Connections established so far; attempts that failed; closed as unused; closed for any other reason.
    connections_created: int
    connections_created_with_error: int
    connections_purged: int
    connections_closed: int

    #: Operations completed by an answer; that ended with an error; that could not enter an established connection at once.
    operations_executed: int
    operations_executed_with_error: int
    operations_waited: int

    #: Seconds it took to establish the last 100 connections; None before the first.
    create_connection_avg: Optional[float]
    create_connection_p50: Optional[float]
    create_connection_p99: Optional[float]
    create_connection_upper: Optional[float]


@dataclass
class OperationMetrics:
    """How long a node's operations take."""

    #: Waiting for or in flight on the node's connections now.
    in_flight: int

    #: Seconds from submission to answer; None before the first.
    time_p50: Optional[float]
    time_p99: Optional[float]
    time_upper: Optional[float]


@dataclass
class NodeState:
    """Why a node is as it is."""

    healthy: bool
    weight: int
    #: Seconds since it is so.
    age: float
    #: Unhealthy: what the last attempt met, in words; else empty.
    reason: str
    #: As the node told it last; empty before.
    server_version: str
    #: Keys that will be deleted there before it serves again (`deletes_replayed_max`), and those for which there was no room.
    deletes_remembered: int = 0
    deletes_forgotten: int = 0

"""What a command may raise. Beside these: ValueError and TypeError for arguments, RuntimeError for a closed client, asyncio.TimeoutError."""
import asyncio


class ClusterNoAvailableNodes(Exception):
    """The cluster has no node: all are unhealthy and purged, or autodiscovery has found none yet."""


class CommandError(Exception):
    """The server refused a command."""


class StorageCommandError(CommandError):
    """A value was not stored."""


class NotStoredStorageCommandError(StorageCommandError):
    """A value was not stored, as the condition of the command does not hold: add() of a key that is there, replace(), append() and prepend() of one
    that is not, cas() of an item that has changed."""


class NotFoundCommandError(CommandError):
    """The command needs a key that is there."""


class NotNumberCommandError(CommandError, ValueError):
    """increment() or decrement() of a value that is no number. (A ValueError, as emcache 1.3 raises.)"""


class AuthenticationError(CommandError):
    """The server refused the credentials, or wants some."""


class UnsupportedCommandError(CommandError):
    """The server is too old for this command, or does not have it."""


class NodeDownError(asyncio.TimeoutError):
    """The node is known to be down, or no connection to it could be established: the command failed at once, without waiting for its timeout."""


class ConnectionLostError(NodeDownError):
    """The connection broke before the answer was complete. A write may have taken effect."""

"""Every name, signature, default, exception and data class of the documented API."""
import asyncio
import copy
import dataclasses
import functools
import importlib
import inspect
import pickle
import sys
from unittest import mock

import pytest

import emcache
from clients import client_on

NAMES = ["Client", "ClusterEvents", "ClusterManagment", "ClusterNoAvailableNodes", "ConnectionPoolMetrics", "create_client", "DEFAULT_AUTOBATCHING_ENABLED",
         "DEFAULT_AUTOBATCHING_MAX_KEYS", "DEFAULT_TIMEOUT", "DEFAULT_CONNECTION_TIMEOUT", "DEFAULT_MAX_CONNECTIONS", "DEFAULT_PURGE_UNUSED_CONNECTIONS_AFTER",
         "DEFAULT_PURGE_UNHEALTHY_NODES", "DEFAULT_SSL", "DEFAULT_SSL_VERIFY", "Item", "MemcachedHostAddress", "MemcachedUnixSocketPath", "CommandError",
         "NotFoundCommandError", "NotStoredStorageCommandError", "StorageCommandError"]

CREATE = ("node_addresses, *, timeout=1.0, max_connections=2, min_connections=1, purge_unused_connections_after=60.0, connection_timeout=5.0, cluster_events=None, "
          "purge_unhealthy_nodes=False, autobatching=False, autobatching_max_keys=32, ssl=False, ssl_verify=True, ssl_extra_ca=None, username=None, password=None, "
          "autodiscovery=False, autodiscovery_poll_interval=60.0, autodiscovery_timeout=5.0")

METHODS = {
    "close": "self", "cluster_managment": "self",
    "get": "self, key, return_flags=False", "gets": "self, key, return_flags=False",
    "get_many": "self, keys, return_flags=False", "gets_many": "self, keys, return_flags=False",
    "gat": "self, exptime, key, return_flags=False", "gats": "self, exptime, key, return_flags=False",
    "gat_many": "self, exptime, keys, return_flags=False", "gats_many": "self, exptime, keys, return_flags=False",
    "set": "self, key, value, *, flags=0, exptime=0, noreply=False", "add": "self, key, value, *, flags=0, exptime=0, noreply=False",
    "replace": "self, key, value, *, flags=0, exptime=0, noreply=False",
    "append": "self, key, value, *, noreply=False", "prepend": "self, key, value, *, noreply=False",
    "cas": "self, key, value, cas, *, flags=0, exptime=0, noreply=False",
    "increment": "self, key, value, *, noreply=False", "decrement": "self, key, value, *, noreply=False",
    "touch": "self, key, exptime, *, noreply=False", "delete": "self, key, *, noreply=False",
    "flush_all": "self, memcached_host_address, delay=0, *, noreply=False", "version": "self, memcached_host_address",
    "stats": "self, memcached_host_address, *args", "verbosity": "self, memcached_host_address, level, *, noreply=False",
    "cache_memlimit": "self, memcached_host_address, value, *, noreply=False",
}

METRICS = ["cur_connections", "connections_created", "connections_created_with_error", "connections_purged", "connections_closed", "operations_executed",
           "operations_executed_with_error", "operations_waited", "create_connection_avg", "create_connection_p50", "create_connection_p99", "create_connection_upper"]


def plain(function):
    """A signature without annotations."""
    signature = inspect.signature(function)
    parameters = [parameter.replace(annotation=inspect.Parameter.empty) for parameter in signature.parameters.values() if parameter.name != "/"]
    return str(signature.replace(parameters=parameters, return_annotation=inspect.Signature.empty))[1:-1].replace(", /", "")


def starts_with(signature, wanted):
    """Ours may have more, keyword options with defaults, after what is documented."""
    def accepts(parameter):
        return parameter.kind is inspect.Parameter.KEYWORD_ONLY and parameter.default is not inspect.Parameter.empty
    have, namespace = dict(signature.parameters), {}
    exec(f"def wanted({wanted}): pass", namespace)
    want = inspect.signature(namespace["wanted"]).parameters
    extra = [parameter for name, parameter in have.items() if name not in want]
    assert all(accepts(parameter) for parameter in extra), extra
    order = [name for name in have if name in want]
    assert order == list(want)
    for name, parameter in want.items():
        if name == "self":  # what is made in C takes it by position alone
            continue
        assert (have[name].kind, have[name].default) == (parameter.kind, parameter.default), name


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_exported(name):
    assert hasattr(emcache, name) and name in emcache.__all__


def test_create_client_has_every_option_and_default():
    starts_with(inspect.signature(emcache.create_client), CREATE)
    assert inspect.iscoroutinefunction(emcache.create_client)


@pytest.mark.parametrize("name", sorted(METHODS))
def test_a_method_of_client(name):
    starts_with(inspect.signature(getattr(emcache.Client, name)), METHODS[name])


@pytest.mark.parametrize("name", sorted(METHODS))
async def test_a_method_of_the_client_that_is_made(server, name):
    async with client_on(server) as client:
        starts_with(inspect.signature(getattr(type(client), name)), METHODS[name])
        assert getattr(client, name).__doc__


def test_the_methods_of_client_are_coroutine_functions():
    """What mock.create_autospec and a class that derives from Client look at."""
    for name in METHODS:
        assert inspect.iscoroutinefunction(getattr(emcache.Client, name)) == (name != "cluster_managment"), name
    assert isinstance(inspect.getattr_static(emcache.Client, "closed"), property)


async def test_the_commands_of_a_client_are_coroutine_functions(server):
    """What decorators look at: one that takes a command for a plain function would retry the making of a coroutine, and not its run."""
    async with client_on(server) as client:
        for name in METHODS:
            command, wanted = getattr(client, name), name != "cluster_managment"
            if sys.version_info >= (3, 10):
                assert inspect.iscoroutinefunction(command) == inspect.iscoroutinefunction(functools.partial(command)) == wanted, name
            assert command.__name__ == name and command.__qualname__.endswith(f"Client.{name}")


@pytest.mark.beyond
async def test_a_command_has_the_signature_of_its_declaration(server):
    async with client_on(server) as client:
        for name, declared in vars(emcache.Client).items():
            if not inspect.isfunction(declared) or name in ("cluster_managment", "cluster_management"):
                continue
            made = getattr(type(client), name)
            assert inspect.signature(made) == inspect.signature(declared) and made.__doc__ == declared.__doc__
            for arguments in ((), (5, b"key")):
                with pytest.raises(TypeError, match="needs a client"):
                    made(*arguments)
            for parameter in inspect.signature(declared).parameters.values():
                if parameter.name != "self" and parameter.kind is not parameter.VAR_POSITIONAL:  # C knows them all
                    with pytest.raises(TypeError, match="there_is_no_such"):
                        getattr(client, name)(**{parameter.name: None, "there_is_no_such": 1})


@pytest.mark.skipif(sys.version_info < (3, 10), reason="inspect sees the coroutine function from 3.10 on")
async def test_mocks_of_a_client(server, key):
    async with client_on(server) as client:
        for made in (mock.create_autospec(client), mock.AsyncMock(spec=client), mock.create_autospec(emcache.Client, instance=True)):
            made.get.return_value = emcache.Item(b"mocked", None, None)
            assert (await made.get(key)).value == b"mocked"
            made.get.assert_awaited_once_with(key)
        with mock.patch.object(client, "get", side_effect=asyncio.TimeoutError) as get:
            with pytest.raises(asyncio.TimeoutError):
                await client.get(key)
            get.assert_awaited_once_with(key)
        assert await client.get(key) is None
        client.prefix = b"mine"
        assert client.prefix == b"mine" and "prefix" in vars(client)


def test_what_programs_import_stands_where_it_stood():
    for module, names in {"client": "create_client Client Item ClusterEvents ClusterManagment CommandError MemcachedHostAddress MemcachedUnixSocketPath _Client "
                                    "NotFoundCommandError NotStoredStorageCommandError StorageCommandError",
                          "base": "Client ClusterEvents ClusterManagment Item", "_address": "MemcachedHostAddress MemcachedUnixSocketPath",
                          "connection_pool": "ConnectionPoolMetrics", "version": "__version__"}.items():
        there = importlib.import_module(f"emcache.{module}")
        assert all(hasattr(there, name) for name in names.split()), module


async def test_the_class_of_a_client_has_its_name(server):
    async with client_on(server) as client:
        assert isinstance(client, importlib.import_module("emcache.client")._Client)


def test_an_item_of_the_original_is_read():
    """As pickle writes a dataclass: a new one, and its dict. Programs keep items, and those of yesterday are there."""
    written = (b"\x80\x04\x95B\x00\x00\x00\x00\x00\x00\x00\x8c\x0cemcache.base\x94\x8c\x04Item\x94\x93\x94)\x81\x94}\x94(\x8c\x05value\x94C\x05bytes\x94"
               b"\x8c\x05flags\x94K\x07\x8c\x03cas\x94Nub.")
    for data in (written, pickle.dumps(emcache.Item(b"bytes", 7, None))):
        item = pickle.loads(data)
        assert item == emcache.Item(b"bytes", 7, None)
        assert vars(item) == dataclasses.asdict(item) == {"value": b"bytes", "flags": 7, "cas": None}
        assert copy.copy(item) == dataclasses.replace(item) == item


def test_a_class_of_ones_own_may_derive_from_client():
    with pytest.raises(TypeError):
        emcache.Client()
    names = {name: (lambda self: None) for name in [*METHODS, "closed"]}
    mine = type("Mine", (emcache.Client,), names)()
    assert isinstance(mine, emcache.Client)
    with pytest.raises(TypeError):
        emcache.ClusterManagment()


@pytest.mark.parametrize("name, parameters", [("on_node_healthy", "self, cluster_managment, host"), ("on_node_unhealthy", "self, cluster_managment, host")])
def test_a_method_of_cluster_events(name, parameters):
    assert plain(getattr(emcache.ClusterEvents, name)) == parameters
    assert inspect.iscoroutinefunction(getattr(emcache.ClusterEvents, name))


@pytest.mark.parametrize("name", ["nodes", "healthy_nodes", "unhealthy_nodes", "connection_pool_metrics"])
def test_a_method_of_cluster_managment(name):
    assert plain(getattr(emcache.ClusterManagment, name)) == "self"
    assert not inspect.iscoroutinefunction(getattr(emcache.ClusterManagment, name))


def test_the_default_values():
    assert (emcache.DEFAULT_TIMEOUT, emcache.DEFAULT_CONNECTION_TIMEOUT, emcache.DEFAULT_PURGE_UNUSED_CONNECTIONS_AFTER) == (1.0, 5.0, 60.0)
    assert (emcache.DEFAULT_MAX_CONNECTIONS, emcache.DEFAULT_AUTOBATCHING_MAX_KEYS) == (2, 32)
    assert emcache.DEFAULT_PURGE_UNHEALTHY_NODES is emcache.DEFAULT_AUTOBATCHING_ENABLED is emcache.DEFAULT_SSL is False
    assert emcache.DEFAULT_SSL_VERIFY is True


def test_the_default_values_have_a_module():
    values = importlib.import_module("emcache.default_values")
    assert (values.DEFAULT_MIN_CONNECTIONS, values.DEFAULT_AUTODISCOVERY_POLL_INTERVAL, values.DEFAULT_AUTODISCOVERY_TIMEOUT) == (1, 60.0, 5.0)
    assert values.DEFAULT_TIMEOUT == emcache.DEFAULT_TIMEOUT


def test_the_exceptions_and_their_order():
    errors = importlib.import_module("emcache.client_errors")
    assert errors.ClusterNoAvailableNodes.__bases__ == (Exception,)
    assert issubclass(errors.CommandError, Exception) and not issubclass(errors.CommandError, (OSError, ValueError))
    assert issubclass(errors.StorageCommandError, errors.CommandError)
    assert issubclass(errors.NotStoredStorageCommandError, errors.StorageCommandError)
    assert issubclass(errors.NotFoundCommandError, errors.CommandError) and not issubclass(errors.NotFoundCommandError, errors.StorageCommandError)
    assert issubclass(errors.AuthenticationError, errors.CommandError)
    for name in ("ClusterNoAvailableNodes", "CommandError", "StorageCommandError", "NotStoredStorageCommandError", "NotFoundCommandError"):
        assert getattr(errors, name) is getattr(emcache, name)
        assert getattr(emcache, name).__name__ == name
        fault = getattr(emcache, name)("words")
        assert str(fault) == "words" and str(pickle.loads(pickle.dumps(fault))) == "words"


def test_an_item():
    item = emcache.Item(b"v", 1, 2)
    assert [field.name for field in dataclasses.fields(emcache.Item)] == ["value", "flags", "cas"]
    assert (item.value, item.flags, item.cas) == (b"v", 1, 2)
    assert item == emcache.Item(value=b"v", flags=1, cas=2) and item != emcache.Item(b"v", 1, 3) and item != (b"v", 1, 2)
    assert repr(item) == "Item(value=b'v', flags=1, cas=2)"
    assert dataclasses.asdict(item) == {"value": b"v", "flags": 1, "cas": 2} and dataclasses.astuple(item) == (b"v", 1, 2)
    assert dataclasses.replace(item, flags=None) == emcache.Item(b"v", None, 2)
    assert copy.copy(item) == copy.deepcopy(item) == pickle.loads(pickle.dumps(item)) == item
    item.value = b"w"
    assert item.value == b"w"
    with pytest.raises(TypeError):
        hash(item)
    with pytest.raises(TypeError):
        emcache.Item(b"v")


async def test_an_item_that_a_command_returns_is_a_whole_one(server, key):
    async with client_on(server) as client:
        await client.set(key, b"v")
        item = await client.get(key)
        assert type(item) is emcache.Item and repr(item) == "Item(value=b'v', flags=None, cas=None)"
        assert pickle.loads(pickle.dumps(item)) == item and dataclasses.replace(item, flags=1).flags == 1
        item.flags = 5
        assert item == emcache.Item(b"v", 5, None)


@pytest.mark.parametrize("make, fields", [(lambda: emcache.MemcachedHostAddress("localhost", 11211), ["address", "port"]),
                                          (lambda: emcache.MemcachedUnixSocketPath("/tmp/x"), ["path"])], ids=["host", "path"])
def test_an_address_is_frozen_and_hashable(make, fields):
    one = make()
    assert [field.name for field in dataclasses.fields(one)] == fields
    assert one == make() and hash(one) == hash(make()) and len({one, make()}) == 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(one, fields[0], "other")
    assert copy.deepcopy(one) == pickle.loads(pickle.dumps(one)) == one
    assert dataclasses.replace(one, **{fields[0]: "other"}) != one


def test_addresses_by_name_and_repr():
    address = emcache.MemcachedHostAddress(address="localhost", port=11211)
    assert (address.address, address.port) == ("localhost", 11211)
    assert repr(address) == "MemcachedHostAddress(address='localhost', port=11211)"
    assert repr(emcache.MemcachedUnixSocketPath(path="/tmp/x")) == "MemcachedUnixSocketPath(path='/tmp/x')"
    assert emcache.MemcachedHostAddress("a", 1) != emcache.MemcachedHostAddress("a", 2) != emcache.MemcachedUnixSocketPath("a")


def test_connection_pool_metrics_have_the_twelve_fields():
    names = [field.name for field in dataclasses.fields(emcache.ConnectionPoolMetrics)]
    assert [name for name in names if name in METRICS] == METRICS
    made = emcache.ConnectionPoolMetrics(*range(8), 0.1, 0.2, 0.3, None)
    assert made.operations_waited == 7 and made.create_connection_upper is None


def test_the_package_is_typed():
    import os
    assert os.path.exists(os.path.join(os.path.dirname(emcache.__file__), "py.typed"))


@pytest.mark.beyond
def test_every_error_and_default_is_in_the_package_itself():
    errors = importlib.import_module("emcache.client_errors")
    assert emcache.AuthenticationError is errors.AuthenticationError
    for name in ("DEFAULT_MIN_CONNECTIONS", "DEFAULT_AUTODISCOVERY_POLL_INTERVAL", "DEFAULT_AUTODISCOVERY_TIMEOUT"):
        assert hasattr(emcache, name), name
    assert all(hasattr(emcache, name) for name in emcache.__all__)


@pytest.mark.beyond
def test_every_public_thing_has_a_documentation():
    for name in emcache.__all__:
        thing = getattr(emcache, name)
        if inspect.isclass(thing) or callable(thing):
            assert thing.__doc__, name

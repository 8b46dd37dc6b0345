"""Whatever the C library has the package has, under a name that stands here, or there is a reason: an addition in C can't be forgotten in Python."""
import inspect
import pathlib
import re

import pytest

import emcache

pytestmark = pytest.mark.beyond

ROOT = pathlib.Path(__file__).resolve().parents[2]

OTHER_NAMES = {
    "emc_incr": "Client.increment", "emc_decr": "Client.decrement",
    "emc_client_create": "create_client", "emc_client_destroy": "Client.close", "emc_client_pending": "Client.pending",
    "emc_client_cluster_management": "Client.cluster_management",
    "emc_client_set_credentials": "Client.set_credentials", "emc_client_reload_tls": "Client.reload_ssl",
    "emc_cluster_node_state": "ClusterManagment.node_states",
    "emc_address_parse": "parse_address", "emc_address_format": "format_address",
}

REASONS = {
    "emc_address_equal": "addresses compare by ==",
    "emc_cancel": "a Task is cancelled", "emc_client_descriptor": "the loop has it", "emc_client_flush": "the loop's side calls it",
    "emc_client_next_deadline_ms": "the loop's side calls it", "emc_client_process": "the loop's side calls it", "emc_client_busy_poll": "the loop's side calls it", "emc_client_wait": "the loop waits",
    "emc_client_on_room": "a command waits for room within its timeout", "emc_client_error_message": "exceptions have the words",
    "emc_cluster_management_release": "references are Python's", "emc_cluster_management_retain": "references are Python's",
    "emc_node_list_destroy": "lists are Python's",
    "emc_item_release": "items are Python's", "emc_items_release": "items are Python's",
    "emc_key_validate": "every command does it at the call", "emc_library_version": "emcache.version has it",
    "emc_meta_options_init_sized": "keyword arguments have defaults", "emc_options_init_sized": "keyword arguments have defaults",
    "emc_status_classify": "exceptions have classes", "emc_status_name": "exceptions have classes", "emc_status_text": "exceptions have the words",
}

OPTIONS_APART = {
    "gutter_nodes": "gutter_nodes", "gutter_node_count": "gutter_nodes", "trace": "trace", "trace_context": "trace",
    "size": None,  # of the structure
    "threaded": None,  # a loop's client is the loop's thread's
    "tls": "ssl", "log": None, "log_context": None,  # lines go to the logger "emcache"
    "allocator": None,  # Python's objects have Python's
}

# Told of all nodes at once.
WITHOUT_NODE = {"cluster_connection_pool_metrics"}
# What the functions' parameters are called here, where they are called otherwise.
OTHER_PARAMETERS = {
    "node": {"memcached_host_address", "host"}, "list": {"nodes"}, "delay_s": {"delay"}, "lease_s": {"lease"}, "recache_below_s": {"recache_below"},
    "wait_ms": {"wait"}, "stale_s": {"stale"}, "megabytes": {"value"}, "argument": {"args"}, "dump": {"keys_only"}, "subscription": {"cluster_events"}, "delta": {"delta", "value"},
}
PARAMETERS_WITHOUT = {
    "client", "view", "call", "error",  # what every one has
    "callback", "user_data",  # results are returned
    "count", "size", "key_length", "value_length",  # objects know their lengths
    "options", "tls",  # keyword arguments: the structures' fields are looked at below
    "flags", "exptime",  # of append and prepend there are none
}


def exported():
    names = (ROOT / "src/exports.list").read_text(encoding="utf-8").split()
    return [name for name in names if name.startswith("emc_") and not name.endswith("_async")]


def found(name):
    """Client.get, ClusterManagment.nodes or create_client, in the package."""
    thing = emcache
    for part in name.split("."):
        thing = getattr(thing, part, None)
    return thing is not None


def test_every_function_has_its_name_here():
    names = exported()
    assert len(names) > 60
    missing = []
    for name in names:
        usual = [f"Client.{name[4:]}", f"ClusterManagment.{name.replace('emc_cluster_', '')}"]
        if name not in REASONS and not any(map(found, [OTHER_NAMES[name]] if name in OTHER_NAMES else usual)):
            missing.append(name)
    assert not missing


def parameters_of(text):
    """Blocking functions of the library by name: what each parameter is called. Those that are written to are results."""
    found = {}
    for name, parameters in re.findall(r"EMC_API emc_status emc_(\w+)\(([^;]*)\);", text):
        names = [re.search(r"(\w+)$", one.strip()).group(1) for one in parameters.split(",")]
        if not name.endswith("_async"):
            found[name] = [one for one in names if not one.endswith("_out")]
    return found


def test_every_parameter_has_its_name_here():
    text = "".join((ROOT / "include/emcache" / name).read_text(encoding="utf-8") for name in ("commands.h", "meta.h", "cluster.h"))
    functions = parameters_of(text)
    missing, seen = [], 0
    for name, parameters in functions.items():
        here = {"incr": "increment", "decr": "decrement"}.get(name, name)
        function = getattr(emcache.Client, here, None) or getattr(emcache.ClusterManagment, name.replace("cluster_", ""), None)
        if function is None:
            continue
        seen += 1
        arguments = set(inspect.signature(function).parameters) | ({"node"} if name in WITHOUT_NODE else set())
        missing += [(name, one) for one in parameters if one not in PARAMETERS_WITHOUT | arguments and not OTHER_PARAMETERS.get(one, set()) & arguments]
    assert seen > 45
    assert not missing


def test_every_field_of_what_is_stored_has_its_name_here():
    text = (ROOT / "include/emcache/commands.h").read_text(encoding="utf-8")
    body = re.search(r"typedef struct emc_store_item\s*\{(.*?)\}", text, re.S).group(1)
    wanted = set(re.findall(r"(\w+);", body)) - {"key", "value_length"}  # what it is stored under; bytes know their length
    assert wanted == set(emcache.StoreItem._fields)


def test_every_field_of_the_meta_options_has_its_name_here():
    text = (ROOT / "include/emcache/meta.h").read_text(encoding="utf-8")
    body = re.sub(r"/\*.*?\*/", "", re.search(r"typedef struct emc_meta_options\s*\{(.*?)\}", text, re.S).group(1), flags=re.S)
    modes = {name.lower() for name in re.findall(r"EMC_META_(BINARY_KEY|NO_BUMP|INVALIDATE|DROP_VALUE|QUIET)\b", text)}
    commands = [emcache.Client.meta_get, emcache.Client.meta_set, emcache.Client.meta_delete, emcache.Client.meta_arithmetic]
    arguments = set().union(*[inspect.signature(command).parameters for command in commands])
    assert len(modes) == 5
    assert not (set(re.findall(r"(\w+);", body)) - {"size", "modes"} | modes) - arguments


def test_no_reason_outlives_its_function():
    assert not {*REASONS, *OTHER_NAMES} - set(exported())


def fields(structure):
    text = (ROOT / "include/emcache/options.h").read_text(encoding="utf-8")
    body = re.search(r"typedef struct %s\s*\{(.*?)\}\s*%s;" % (structure, structure), text, re.S).group(1)
    body = re.sub(r"/\*.*?\*/", "", body, flags=re.S)
    return re.findall(r"(\w+);", body)


def test_every_option_has_its_name_here():
    from emcache import _emcache
    wanted = [name for name in fields("emc_options") if name not in OPTIONS_APART] + [f"tls.{name}" for name in fields("emc_tls_options")]
    assert len(wanted) > 50
    assert not set(wanted) - set(_emcache.option_names())


def test_the_options_that_stand_apart_are_arguments():
    arguments = emcache.create_client.__annotations__
    assert all(name in arguments for name in OPTIONS_APART.values() if name is not None)

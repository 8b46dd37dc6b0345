"""The harness: coroutine tests run on every loop, servers are real, and what is left behind fails the test.

Nothing here needs more than pytest itself. `beyond` marks what the package that ours replaces lacks or gets wrong; on that package these
tests are left out, all others pass on both."""
import contextlib
import inspect
import itertools
import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(__file__))

import emcache  # noqa: E402
import running  # noqa: E402
import servers  # noqa: E402

# What looks inside our extension.
collect_ignore_glob = ["test_extension_*.py"] if running.ORIGINAL else []

_keys = itertools.count()


def pytest_configure(config):
    config.addinivalue_line("markers", "beyond: what the original package lacks or gets wrong")
    config.addinivalue_line("markers", "one_loop: a coroutine test that runs on asyncio's own loop alone")
    if not running.ORIGINAL:
        for what in ("error::ResourceWarning", "error::RuntimeWarning", "error::pytest.PytestUnraisableExceptionWarning",
                     "error::pytest.PytestUnhandledThreadExceptionWarning"):
            config.addinivalue_line("filterwarnings", what)


def pytest_report_header(config):
    return [f"emcache: {os.path.dirname(emcache.__file__)}{' (the original)' if running.ORIGINAL else ''}; loops: {', '.join(running.LOOPS)}"]


def pytest_collection_modifyitems(config, items):
    if running.ORIGINAL:
        left_out = [item for item in items if item.get_closest_marker("beyond")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def pytest_generate_tests(metafunc):
    if inspect.iscoroutinefunction(metafunc.function):
        one = metafunc.definition.get_closest_marker("one_loop")
        metafunc.parametrize("loop_kind", ["asyncio"] if one else running.LOOPS, indirect=True)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
    running.run(pyfuncitem.obj(**arguments), pyfuncitem.funcargs["loop_kind"])
    return True


@pytest.fixture(autouse=True)
def loop_kind(request):
    """The loop a coroutine test runs on."""
    return getattr(request, "param", "asyncio")


@pytest.fixture(scope="session")
def server():
    """One server that all tests share: use keys of your own."""
    with servers.Server("-m", "64") as one:
        yield one


@pytest.fixture(scope="session")
def cluster():
    """Three servers that all tests share, never killed."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(servers.Server("-m", "64")) for _ in range(3)]


@pytest.fixture
def start():
    """Starts servers for one test: start("-m", "64")."""
    with contextlib.ExitStack() as stack:
        yield lambda *arguments, **more: stack.enter_context(servers.Server(*arguments, **more))


@pytest.fixture
def key():
    """A key that no other test uses."""
    return b"test:%d:%d" % (os.getpid(), next(_keys))


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    return servers.Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
def tls_server(certificates):
    with servers.Server("-Z", "-o", "ssl_chain_cert=%s,ssl_key=%s" % certificates.server) as one:
        yield one

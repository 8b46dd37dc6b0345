"""The types: mypy --strict accepts a program that uses everything, finds mistakes, and the stubs agree with what runs. Needs mypy; without it these are left out."""
import os
import re
import shutil
import subprocess
import sys

import pytest

import emcache

HERE = os.path.dirname(os.path.abspath(__file__))
FOLDER = os.path.dirname(os.path.dirname(os.path.abspath(emcache.__file__)))

pytestmark = pytest.mark.beyond


def tool(name):
    """mypy or stubtest of this interpreter, or the mypy on PATH; stubtest imports the extension, so no other interpreter's will do."""
    module = {"mypy": "mypy", "stubtest": "mypy.stubtest"}[name]
    if subprocess.run([sys.executable, "-c", f"import {module}"], capture_output=True, check=False).returncode == 0:
        return [sys.executable, "-m", module]
    found = shutil.which(name) if name == "mypy" else None
    if found is None:
        pytest.skip(f"{name} is not installed")
    return [found]


def run(command, cache, folder=FOLDER):
    environment = dict(os.environ, MYPYPATH=folder, MYPY_CACHE_DIR=str(cache))
    return subprocess.run(command, capture_output=True, text=True, timeout=300, env=environment, check=False, cwd=str(cache))


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("mypy")


@pytest.fixture(scope="module")
def typed_copy(tmp_path_factory):
    """The package's Python alone: mypy takes what lies in a folder of its own for the program, and checks it strictly too."""
    folder = tmp_path_factory.mktemp("typed")
    shutil.copytree(os.path.dirname(emcache.__file__), folder / "emcache", ignore=lambda _, names: [name for name in names if not name.endswith((".py", ".pyi", ".typed"))])
    return str(folder)


def test_a_program_that_uses_everything_is_accepted_strictly(cache, typed_copy):
    result = run([*tool("mypy"), "--strict", os.path.join(HERE, "typing", "uses_everything.py")], cache, typed_copy)
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_package_itself_is_accepted_strictly(cache, typed_copy):
    result = run([*tool("mypy"), "--strict", "-p", "emcache"], cache, typed_copy)
    assert result.returncode == 0, result.stdout + result.stderr


def test_mistakes_are_found(cache, typed_copy):
    path = os.path.join(HERE, "typing", "refused.py")
    result = run([*tool("mypy"), "--strict", path], cache, typed_copy)
    with open(path, encoding="utf-8") as file:
        wanted = {number for number, line in enumerate(file, 1) if line.rstrip().endswith("# wrong")}
    assert {int(number) for number in re.findall(r"refused\.py:(\d+): error", result.stdout)} == wanted, result.stdout


def test_the_stubs_agree_with_the_extension(cache):
    command = tool("stubtest")
    options = ["--ignore-disjoint-bases"] if "--ignore-disjoint-bases" in run([*command, "--help"], cache).stdout else []  # newer than most type checkers
    result = run([*command, *options, "emcache._emcache"], cache)
    assert result.returncode == 0, result.stdout + result.stderr

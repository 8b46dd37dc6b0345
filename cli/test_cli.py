#!/usr/bin/python3
"""Tests the command `emcache` against memcached servers of its own: what it prints, its exit codes, its words on errors, and the demo.

    test_cli.py PATH/TO/emcache [unittest's arguments]

Ends with the line "N passed, N failed". Needs Python's standard library and memcached."""
import fcntl
import json
import os
import pty
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
import unittest

PROGRAM = ""
MEMCACHED = shutil.which("memcached", path=os.environ.get("PATH", "") + ":/usr/bin:/usr/local/bin:/usr/sbin")
OK, MISS, USAGE, ERROR = range(4)


# ---------------------------------------------------------------------- servers

def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """A memcached on a free port of the loopback interface, or on a unix socket."""

    def __init__(self, *arguments, path=None):
        self.path = path
        for _ in range(5):
            self.port = free_port()
            where = ["-s", path, "-a", "777"] if path else ["-l", "127.0.0.1", "-p", str(self.port), "-U", "0"]
            user = ["-u", "nobody"] if os.geteuid() == 0 else []
            self.process = subprocess.Popen([MEMCACHED, "-m", "64", "-t", "1", *where, *user, *arguments],
                                            stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            if self.listens():
                return
            self.stop()
        raise RuntimeError("memcached does not start")

    @property
    def address(self):
        return self.path or f"127.0.0.1:{self.port}"

    def listens(self):
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                if self.path:
                    with socket.socket(socket.AF_UNIX) as probe:
                        probe.connect(self.path)
                else:
                    socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return True
            except OSError:
                time.sleep(0.01)
        return False

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


class Result:
    def __init__(self, completed):
        self.code = completed.returncode
        self.bytes = completed.stdout
        self.out = completed.stdout.decode(errors="replace")
        self.err = completed.stderr.decode(errors="replace")


def environment(**changes):
    variables = {name: value for name, value in os.environ.items() if name not in ("EMCACHE_SERVERS", "NO_COLOR")}
    variables.update(changes)
    return variables


def emcache(*arguments, stdin=b"", servers=None, **changes):
    variables = environment(**changes)
    if servers:
        variables["EMCACHE_SERVERS"] = servers
    return Result(subprocess.run([PROGRAM, *arguments], input=stdin, capture_output=True, timeout=60, env=variables,
                                 check=False))


class OnServers(unittest.TestCase):
    """Two servers and a unix socket, empty at each test."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="emcache-cli-")
        os.chmod(cls.folder, 0o777)
        cls.nodes = [Server(), Server(), Server(path=os.path.join(cls.folder, "socket"))]
        cls.servers = ",".join(node.address for node in cls.nodes)

    @classmethod
    def tearDownClass(cls):
        for node in cls.nodes:
            node.stop()
        shutil.rmtree(cls.folder)

    def run_it(self, *arguments, code=OK, err="", **keywords):
        """Runs a command on the servers; the exit code is as expected and stderr has the words."""
        result = emcache(*arguments, servers=self.servers, **keywords)
        self.assertEqual(result.code, code, result.out + result.err)
        self.assertRegex(result.err, err) if err else self.assertEqual(result.err, "")
        return result


# ---------------------------------------------------------------------- items

class Items(OnServers):
    def setUp(self):
        self.run_it("flush_all")

    def test_a_value_comes_back_byte_for_byte(self):
        value = bytes(range(256)) * 2000
        self.run_it("set", "picture", "-", stdin=value)
        self.assertEqual(self.run_it("get", "picture").bytes, value)

    def test_an_empty_value_is_a_value(self):
        self.run_it("set", "nothing", "")
        self.assertEqual(self.run_it("get", "nothing").out, "")

    def test_a_value_may_begin_with_a_dash(self):
        self.run_it("set", "n", "-1")
        self.run_it("set", "--", "word", "-word")
        self.assertEqual(self.run_it("get", "n", "word").out, "n\t-1\nword\t-word\n")

    def test_a_missing_key_is_exit_code_1_and_not_an_error(self):
        self.run_it("set", "there", "x")
        result = self.run_it("get", "there", "gone", code=MISS, err="^emcache: gone: the key is not there\n$")
        self.assertEqual(result.out, "there\tx\n")

    def test_long_tells_flags_and_a_cas_value_that_can_be_used(self):
        self.run_it("set", "--flags", "7", "k", "one")
        found = re.match(r"k flags=7 cas=(\d+) bytes=3\none\n$", self.run_it("get", "--long", "k").out)
        self.assertTrue(found)
        self.run_it("set", "k", "two", "--cas", found[1])
        self.run_it("set", "k", "three", "--cas", found[1], code=MISS, err="changed since")
        self.assertEqual(self.run_it("get", "k").out, "two")

    def test_the_conditions_of_set(self):
        self.run_it("set", "--replace", "k", "x", code=MISS, err="not stored: the key has no value")
        self.run_it("set", "--append", "k", "x", code=MISS, err="not stored: the key has no value")
        self.run_it("set", "--add", "k", "b")
        self.run_it("set", "--add", "k", "x", code=MISS, err="not stored: the key has a value")
        self.run_it("set", "--append", "k", "c")
        self.run_it("set", "--prepend", "k", "a")
        self.assertEqual(self.run_it("get", "k").out, "abc")

    def test_conditions_exclude_each_other(self):
        self.run_it("set", "--add", "--replace", "k", "v", code=USAGE, err="--add and --replace exclude each other")
        self.run_it("set", "--append", "--flags", "1", "k", "v", code=USAGE, err="leaves expiry and flags as they are")

    def test_counters(self):
        self.run_it("set", "n", "41")
        self.assertEqual(self.run_it("incr", "n").out, "42\n")
        self.assertEqual(self.run_it("decr", "n", "100").out, "0\n")
        self.run_it("incr", "none", code=MISS, err="not there")
        self.run_it("incr", "n", "-1", code=USAGE, err="DELTA must be a number")
        self.run_it("set", "word", "x")
        self.run_it("incr", "word", code=ERROR, err="non-numeric")

    def test_delete_and_touch(self):
        self.run_it("set", "k", "v")
        self.run_it("touch", "k", "100")
        self.run_it("touch", "k", "-1")
        self.run_it("touch", "k", "1", code=MISS, err="not there")
        self.run_it("set", "k", "v")
        self.run_it("delete", "k", "none", code=MISS, err="none: the key is not there")
        self.run_it("get", "k", code=MISS, err="not there")

    def test_an_expiry_of_minus_one_expires_at_once(self):
        self.run_it("set", "--exptime", "-1", "k", "v")
        self.run_it("get", "k", code=MISS, err="not there")

    def test_keys_that_no_server_takes_are_refused(self):
        for key in ("a key", "", "k" * 251, "k\x7f"):
            self.run_it("get", key, code=USAGE, err="^emcache: ")
            self.run_it("set", key, "v", code=USAGE, err="^emcache: ")

    def test_a_value_that_is_too_large_is_an_error_and_not_a_miss(self):
        self.run_it("set", "k", "-", stdin=b"x" * 3_000_000, code=ERROR, err="too large")


# ---------------------------------------------------------------------- nodes

class Nodes(OnServers):
    def test_version_of_each_node(self):
        lines = self.run_it("version").out.splitlines()
        self.assertEqual([line.split("\t")[0] for line in lines], [node.address for node in self.nodes])
        self.assertTrue(all(re.fullmatch(r"[\d.]+\S*", line.split("\t")[1]) for line in lines))

    def test_ping(self):
        result = self.run_it("ping", "--count", "2", "--interval", "0")
        self.assertEqual(len(re.findall(r"\b2/2\b", result.out)), 3)

    def test_nodes_as_a_table(self):
        lines = self.run_it("nodes").out.splitlines()
        self.assertEqual(lines[0].split()[:3], ["node", "health", "version"])
        self.assertEqual(len(lines), 4)
        for line, node in zip(lines[1:], self.nodes):
            self.assertEqual(line.split()[:2], [node.address, "healthy"])

    def test_nodes_as_json(self):
        nodes = json.loads(self.run_it("nodes", "--json").out)
        self.assertEqual([node["address"] for node in nodes], [node.address for node in self.nodes])
        for node in nodes:
            self.assertIs(node["healthy"], True)
            self.assertEqual((node["connections"], node["connections_created"]), (1, 1))
            self.assertGreater(node["connect_time_average_s"], 0)

    def test_json_has_every_field_of_the_header(self):
        with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../include/emcache/cluster.h"), encoding="utf-8") as file:
            header = file.read()
        fields = set()
        for name in ("emc_pool_metrics", "emc_node_state"):
            body = header.split(f"typedef struct {name} {{")[1].split("}")[0]
            fields.update(re.findall(r"^ +\w+ (\w+)(?:\[\w+\])?;", body, re.MULTILINE))
        self.assertGreater(len(fields), 20)
        dead = f"127.0.0.1:{free_port()}"
        nodes = json.loads(emcache("nodes", "--json", servers=f"{self.nodes[0].address},{dead}").out)
        for node in nodes:
            self.assertEqual(set(node), fields | {"address"})
        for name in ("connect_time_p50_s", "operation_time_p50_s", "operation_time_worst_s"):
            self.assertGreater(nodes[0][name], 0)
            self.assertIsNone(nodes[1][name])

    def test_statistics_that_the_server_does_not_have_are_an_error_and_no_wrong_usage(self):
        self.run_it("stats", self.nodes[0].address, "nonsense", code=ERROR, err="ERROR")

    def test_a_picture_that_cannot_be_written_is_an_error_in_words(self):
        for arguments in (["nodes", "--watch"], ["top", "--interval", "0.1"]):
            with open("/dev/full", "wb") as full:
                done = subprocess.run([PROGRAM, *arguments], stdout=full, stderr=subprocess.PIPE, check=False, timeout=60,
                                      env=environment(EMCACHE_SERVERS=self.servers))
            self.assertEqual(done.returncode, ERROR)
            self.assertIn(b"could not be written: No space left", done.stderr)

    def test_without_standard_streams_it_ends_as_it_should(self):
        self.run_it("set", "streams", "v")
        for closed, arguments, code in ((0, ["get", "streams"], OK), (1, ["get", "streams"], ERROR), (2, ["version"], OK),
                                        (0, ["set", "streams", "-"], ERROR)):
            line = f'exec {closed}<&-; exec "$0" "$@"'
            done = subprocess.run(["/bin/sh", "-c", line, PROGRAM, *arguments], capture_output=True, check=False, timeout=60,
                                  env=environment(EMCACHE_SERVERS=self.servers))
            self.assertEqual(done.returncode, code, (closed, arguments, done.stderr))

    def test_weights_are_those_of_the_client(self):
        keys = [f"weighted{i}" for i in range(40)]
        how = ["--routing", "ketama-weighted", "--weights", "1,1,8"]
        for key in keys:
            self.run_it("set", key, "v", *how)
        self.assertEqual(len(self.run_it("get", *keys, *how).out.splitlines()), 40)
        self.run_it("get", *keys, "--routing", "ketama-weighted", code=MISS, err="not there")
        self.assertEqual([node["weight"] for node in json.loads(self.run_it("nodes", "--json", *how).out)], [1, 1, 8])
        self.run_it("get", "k", "--weights", "1,2", code=USAGE, err="there are 2 for 3 servers")
        self.run_it("get", "k", "--weights", "1,1,1", "--discover", "cluster", code=USAGE, err="do not go together")

    def test_a_key_prefix_is_sent_and_not_routed_by(self):
        keys = [f"prefixed{i}" for i in range(20)]
        homes = dict(line.split("\t") for line in self.run_it("route", *keys).out.splitlines())
        for key in keys:
            self.run_it("set", key, "v", "--key-prefix", "app:")
        self.run_it("get", *keys, code=MISS, err="not there")
        for node in self.nodes:
            there = [key for key in keys if homes[key] == node.address]
            out = emcache("get", *[f"app:{key}" for key in there], "none", servers=node.address).out
            self.assertEqual(len(out.splitlines()), len(there))
        self.run_it("get", "k", "--key-prefix", "a b", code=USAGE, err="key_prefix")

    def test_nodes_watched(self):
        result = self.run_it("nodes", "--watch", "--count", "2", "--interval", "0.1")
        self.assertEqual(len(re.findall("^node ", result.out, re.MULTILINE)), 2)

    def test_a_dead_node_is_told_with_its_reason(self):
        servers = f"{self.nodes[0].address},127.0.0.1:{free_port()}"
        result = emcache("nodes", servers=servers)
        self.assertEqual(result.code, OK)
        self.assertRegex(result.out, r"unhealthy for [\d.]+ s: .*refused")
        result = emcache("ping", "--count", "1", servers=servers)
        self.assertEqual(result.code, ERROR)
        self.assertRegex(result.out, "0/1 .*refused")
        self.assertEqual(emcache("version", servers=servers).code, ERROR)

    def test_stats(self):
        one, two = self.nodes[0].address, self.nodes[1].address
        self.assertRegex(self.run_it("stats", one).out, r"(?m)^pid\t\d+$")
        self.assertRegex(self.run_it("stats").out, rf"(?m)^{re.escape(two)}\tversion\t")
        self.assertRegex(self.run_it("stats", one, "settings").out, r"(?m)^maxconns\t\d+$")
        stats = json.loads(self.run_it("stats", "--json", "settings").out)
        self.assertEqual(sorted(stats), sorted(node.address for node in self.nodes))
        self.assertEqual(stats[one]["maxbytes"], 64 * 1024 * 1024)

    def test_flush_all_of_one_node_leaves_the_others(self):
        keys = [f"key{i}" for i in range(30)]
        for key in keys:
            self.run_it("set", key, "v")
        homes = dict(line.split("\t") for line in self.run_it("route", *keys).out.splitlines())
        self.run_it("flush_all", self.nodes[0].address)
        left = self.run_it("get", *keys, code=MISS, err="not there").out.splitlines()
        self.assertEqual({line.split("\t")[0] for line in left},
                         {key for key in keys if homes[key] != self.nodes[0].address})

    def test_a_node_that_was_not_named_is_refused(self):
        self.run_it("stats", "elsewhere:1", code=USAGE, err="there is no node 'elsewhere:1'")
        self.run_it("flush_all", self.nodes[0].address, "elsewhere:1", code=USAGE, err="no node 'elsewhere:1'")

    def test_top_counts_what_others_do(self):
        result = self.run_it("top", "--count", "2", "--interval", "0.3")
        self.assertEqual(result.out.count("3 of 3 nodes healthy"), 2)

    def test_credentials(self):
        with tempfile.TemporaryDirectory() as folder:
            os.chmod(folder, 0o755)
            users, password = os.path.join(folder, "users"), os.path.join(folder, "password")
            for path, text in ((users, "ada:secret\n"), (password, "secret\n")):
                with open(path, "w", encoding="ascii") as file:
                    file.write(text)
            server = Server("-Y", users)
            try:
                login = ("--user", "ada", "--password-file", password)
                self.assertEqual(emcache(*login, "set", "k", "v", servers=server.address).err, "")
                self.assertEqual(emcache(*login, "get", "k", servers=server.address).out, "v")
                self.assertEqual(emcache("get", "k", servers=server.address).code, ERROR)
                self.assertRegex(emcache("--user", "bob", *login[2:], "get", "k", servers=server.address).err, "refused|auth")
            finally:
                server.stop()


# ---------------------------------------------------------------------- no server needed

class Endpoint(threading.Thread):
    """A configuration endpoint that tells of some nodes."""

    def __init__(self, nodes):
        super().__init__(daemon=True)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        text = "1\n%s\n" % " ".join("127.0.0.1|127.0.0.1|%d" % node.port for node in nodes)
        self.answers = {b"version\r\n": b"VERSION 1.6.18\r\n",
                        b"config get cluster\r\n": ("CONFIG cluster 0 %d\r\n%s\r\nEND\r\n" % (len(text), text)).encode()}
        self.start()

    def run(self):
        while True:
            try:
                connection = self.listener.accept()[0]
            except OSError:
                return
            with connection, connection.makefile("rb") as lines:
                for line in lines:
                    connection.sendall(self.answers.get(line, b"ERROR\r\n"))

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.join()


class Discovery(unittest.TestCase):
    def setUp(self):
        self.nodes = [Server(), Server()]
        self.endpoint = Endpoint(self.nodes)

    def tearDown(self):
        self.endpoint.close()
        for node in self.nodes:
            node.stop()

    def test_nodes_are_those_that_the_endpoint_tells(self):
        result = emcache("nodes", "--discover", "cluster", "--json", servers=self.endpoint.address)
        self.assertEqual((result.code, result.err), (OK, ""))
        self.assertEqual([node["address"] for node in json.loads(result.out)], [node.address for node in self.nodes])
        self.assertTrue(all(node["healthy"] for node in json.loads(result.out)))

    def test_items_are_stored_on_the_nodes_found(self):
        self.assertEqual(emcache("set", "k", "v", "-d", "cluster", servers=self.endpoint.address).code, OK)
        result = emcache("get", "k", servers=",".join(node.address for node in self.nodes))
        self.assertEqual((result.code, result.out), (OK, "v"))

    def test_top_shows_the_nodes_found(self):
        result = emcache("top", "--discover=cluster", "--count", "1", "--interval", "0.1", servers=self.endpoint.address)
        self.assertEqual((result.code, result.err), (OK, ""))
        for node in self.nodes:
            self.assertIn(node.address, result.out)

    def test_a_plain_server_is_no_endpoint(self):
        result = emcache("nodes", "--discover", "cluster", servers=self.nodes[0].address)
        self.assertNotEqual(result.code, OK)
        self.assertRegex(result.err, "no cluster configuration")

    def test_a_name_is_looked_up_for_its_nodes(self):
        result = emcache("nodes", "--discover", "dns", "--json", servers="localhost:%d" % self.nodes[0].port)
        self.assertIn(self.nodes[0].address, [node["address"] for node in json.loads(result.out)])

    def test_an_unknown_discovery_is_refused(self):
        result = emcache("nodes", "--discover", "magic", servers=self.endpoint.address)
        self.assertEqual((result.code, result.out), (USAGE, ""))
        self.assertRegex(result.err, "cluster, dns or srv")


class Routing(unittest.TestCase):
    SERVERS = "cache1:11211,cache2:11211,cache3:11211"

    def test_route_asks_nobody_and_always_says_the_same(self):
        first = emcache("route", "a", "b", "c", servers=self.SERVERS)
        self.assertEqual((first.code, first.err), (OK, ""))
        self.assertEqual(first.out, emcache("route", "a", "b", "c", servers=self.SERVERS).out)
        self.assertEqual(json.loads(emcache("route", "--json", "a", servers=self.SERVERS).out)["a"],
                         first.out.splitlines()[0].split("\t")[1])

    def test_spread(self):
        spread = json.loads(emcache("route", "--spread", "3000", "--json", servers=self.SERVERS).out)
        self.assertEqual(sum(node["keys"] for node in spread["nodes"]), 3000)
        for node in spread["nodes"]:
            self.assertAlmostEqual(node["share"], 1 / 3, delta=0.06)
            self.assertAlmostEqual(node["moved_if_it_leaves"], node["share"])
            self.assertEqual(node["moved_needlessly"], 0)
        self.assertIn("cache2:11211", emcache("route", "--spread", "100", servers=self.SERVERS).out)

    def test_every_routing_that_is_listed_works(self):
        names = re.findall(r"^  (\S+)", emcache("--routing", "help").out, re.MULTILINE)
        self.assertIn("emcache", names)
        for name in names:
            result = emcache("route", "--routing", name, "k", servers=self.SERVERS)
            self.assertEqual((result.code, result.err), (OK, ""), name)

    def test_modula_moves_keys_needlessly_and_it_is_seen(self):
        spread = json.loads(emcache("route", "--spread", "3000", "--json", "-r", "modula", servers=self.SERVERS).out)
        self.assertGreater(spread["nodes"][0]["moved_needlessly"], 0.2)

    def test_kinds_send_keys_where_the_clients_of_their_names_do(self):
        servers = "127.0.0.1:11211,127.0.0.1:11212,127.0.0.1:11213"
        keys = [f"key:{i}" for i in range(10)]
        for kind, digits in {"emcache": "0020002102", "ketama-weighted": "1000012201", "ketama": "0001011212",
                             "modula": "2221111111", "pymemcache": "2112012011", "spymemcached": "1111012011"}.items():
            lines = emcache("route", "-r", kind, *keys, servers=servers).out.splitlines()
            self.assertEqual([line.split("\t") for line in lines],
                             [[key, f"127.0.0.1:1121{1 + int(digit)}"] for key, digit in zip(keys, digits)], kind)

    def test_several_kinds_are_told_side_by_side(self):
        table = emcache("route", "-r", "ketama,emcache", "foo", "bar", servers=self.SERVERS)
        self.assertEqual((table.code, table.err), (OK, ""))
        rows = [line.split() for line in table.out.splitlines()]
        self.assertEqual(rows[0], ["key", "routing", "node"])
        self.assertEqual([row[:2] for row in rows[1::2]], [["foo", "ketama"], ["bar", "ketama"]])
        told = json.loads(emcache("route", "-r", "ketama,emcache", "-j", "foo", "bar", servers=self.SERVERS).out)
        self.assertEqual([row[-1] for row in rows[1:]],
                         [told["foo"]["ketama"], told["foo"]["emcache"], told["bar"]["ketama"], told["bar"]["emcache"]])
        self.assertEqual(emcache("route", "foo", servers=self.SERVERS).out, f"foo\t{told['foo']['emcache']}\n")

    def test_all_kinds_are_those_of_the_list(self):
        names = re.findall(r"^  (\S+)", emcache("--routing", "help").out, re.MULTILINE)
        self.assertEqual(len(names), 13)
        told = json.loads(emcache("route", "--all-kinds", "--json", "k", servers=self.SERVERS).out)
        self.assertEqual(list(told["k"]), names)

    def test_the_spread_of_all_kinds_is_a_row_for_each(self):
        table = emcache("route", "-a", "--spread", "2000", servers=self.SERVERS)
        self.assertEqual((table.code, table.err, len(table.out.splitlines())), (OK, "", 14))
        spread = json.loads(emcache("route", "-a", "--spread", "2000", "--json", servers=self.SERVERS).out)
        self.assertEqual(len(spread), 13)
        for kind, figures in spread.items():
            self.assertEqual(sum(node["keys"] for node in figures["nodes"]), 2000, kind)
            if kind not in ("modula", "jump", "mcrouter"):
                self.assertEqual(figures["nodes"][0]["moved_needlessly"], 0, kind)
        self.assertEqual(spread["jump"]["nodes"][2]["moved_needlessly"], 0)  # the last of the list may leave

    def test_weights(self):
        def share(kind):
            arguments = ("--spread", "20000", "--json", "--weights", "1,2,3", "-r", kind)
            return [node["share"] for node in json.loads(emcache("route", *arguments, servers=self.SERVERS).out)["nodes"]]
        for found, expected in zip(share("rendezvous"), (1 / 6, 2 / 6, 3 / 6)):
            self.assertAlmostEqual(found, expected, delta=0.02)
        self.assertGreater(share("ketama-weighted")[2], 0.4)
        self.assertLess(share("jump")[2], 0.4)

    def test_a_hash_tag_is_all_that_is_routed_by(self):
        lines = emcache("route", "--hash-tag", "{}", "42", "user:{42}:a", "{42}b", servers=self.SERVERS).out.splitlines()
        self.assertEqual(len({line.split("\t")[1] for line in lines}), 1)

    def test_a_bad_key_is_named_and_the_others_are_told(self):
        for arguments in ((), ("-a",)):
            result = emcache("route", *arguments, "a b", "k", servers=self.SERVERS)
            self.assertEqual(result.code, USAGE)
            self.assertIn("a b", result.err)
            self.assertRegex(result.out, r"(?m)^k\s")

    def test_wrong_ways_to_ask(self):
        for arguments, words in ((("-r", "ketama,nonsense", "k"), "no routing 'nonsense'"), (("-r", "", "k"), "no routing ''"),
                                 (("-a", "-r", "ketama", "k"), "do not go together"), (("--weights", "1,2", "k"), "2 for 3 servers"),
                                 (("--weights", "1,0,2", "k"), "'0' is no weight"), (("--weights", "1,2,3,4", "k"), "4 for 3"),
                                 (("--hash-tag", "{", "k"), "two characters"), (("k", "--spread", "10"), "name keys, or")):
            result = emcache("route", *arguments, servers=self.SERVERS)
            self.assertEqual((result.code, result.out), (USAGE, ""), arguments)
            self.assertIn(words, result.err)


class Usage(unittest.TestCase):
    def wrong(self, words, *arguments, **keywords):
        result = emcache(*arguments, **keywords)
        self.assertEqual((result.code, result.out), (USAGE, ""), result.err)
        self.assertRegex(result.err, "^emcache: ")
        self.assertRegex(result.err, words)

    def test_wrong_calls_are_exit_code_2_and_say_why(self):
        self.wrong("no command", )
        self.wrong("there is no command 'fetch'", "fetch", "k")
        self.wrong("there is no option --bogus", "--bogus")
        self.wrong("there is no option -Z", "get", "-Z", "k")
        self.wrong("--json is no option of get", "get", "--json", "k")
        self.wrong("--tls takes no value", "--tls=yes", "get", "k")
        self.wrong("--timeout needs a value", "get", "k", "--timeout")
        self.wrong("--timeout must be a number", "-s", "h", "-t", "soon", "get", "k")
        self.wrong("usage: emcache .* get KEY", "get")
        self.wrong("usage: emcache .* set KEY VALUE", "set", "k")
        self.wrong("no servers", "get", "k")
        self.wrong("no routing 'nonsense'", "-s", "h", "-r", "nonsense", "get", "k")
        self.wrong("70000", "-s", "h:70000", "get", "k")
        self.wrong("go together", "-s", "h", "--user", "u", "get", "k")
        self.wrong("EXPTIME must be a number", "-s", "h", "touch", "k", "soon")
        self.wrong("--flags must be a number", "-s", "h", "set", "k", "v", "--flags", "4294967296")
        self.wrong("name keys, or use --spread", "-s", "h", "route")
        self.wrong("same node|twice|already", "-s", "h:1,h:1", "get", "k")

    def test_help_of_the_program_and_of_every_command(self):
        text = emcache("--help").out
        commands = re.findall(r"^  ([a-z_]+) ", text.split("Options")[0], re.MULTILINE)
        self.assertEqual(len(commands), 16)
        for command in commands:
            result = emcache(command, "--help")
            self.assertEqual((result.code, result.err), (OK, ""))
            self.assertTrue(result.out.startswith(f"usage: emcache [OPTION...] {command}"), command)

    def test_help_is_a_command_too(self):
        self.assertEqual(emcache("help").out, emcache("--help").out)
        self.assertEqual(emcache("help", "set").out, emcache("set", "--help").out)
        self.wrong("there is no command 'fetch'", "help", "fetch")

    def test_lines_of_help_fit_into_100_columns(self):
        for command in ([], ["set"], ["route"], ["nodes"], ["top"]):
            self.assertLessEqual(max(map(len, emcache(*command, "--help").out.splitlines())), 100)

    def test_version(self):
        self.assertRegex(emcache("--version").out, r"^emcache \d+\.\d+\.\d+ \(library \d+\.\d+\.\d+\)\n$")

    def test_a_server_that_is_down_is_exit_code_3_and_named(self):
        address = f"127.0.0.1:{free_port()}"
        result = emcache("get", "k", servers=address)
        self.assertEqual((result.code, result.out), (ERROR, ""))
        self.assertRegex(result.err, f"^emcache: k: {address}: .*refused")

    def test_a_server_that_is_down_is_named_for_each_of_several_keys(self):
        address = f"127.0.0.1:{free_port()}"
        result = emcache("get", "k1", "k2", servers=address)
        self.assertEqual((result.code, result.out), (ERROR, ""))
        self.assertRegex(result.err, f"^emcache: k1: {address}: .*\nemcache: k2: {address}: ")

    def test_a_password_file_that_is_not_there_is_told(self):
        result = emcache("-s", "h", "--user", "u", "--password-file", "/nonexistent", "get", "k")
        self.assertEqual(result.code, ERROR)
        self.assertIn("/nonexistent", result.err)

    def test_output_that_cannot_be_written_is_an_error(self):
        with open("/dev/full", "wb") as full:
            done = subprocess.run([PROGRAM, "--help"], stdout=full, stderr=subprocess.PIPE, check=False)
        self.assertEqual(done.returncode, ERROR)


# ---------------------------------------------------------------------- completion

class Completion(unittest.TestCase):
    @staticmethod
    def bash(*words):
        """What bash would offer for the last of these words."""
        asked = f"""{emcache("completion", "bash").out}
            compopt() {{ :; }}
            COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)); _emcache; printf "%s\\n" "${{COMPREPLY[@]}}";"""
        done = subprocess.run(["bash", "-c", asked, "bash", "emcache", *words], capture_output=True, text=True, check=True)
        return done.stdout.split()

    def test_bash(self):
        self.assertEqual(self.bash("no"), ["nodes"])
        self.assertEqual(self.bash("-s", "h", "r"), ["route"])
        self.assertEqual(self.bash("nodes", "--j"), ["--json"])
        self.assertEqual(self.bash("get", "--j"), [])
        self.assertIn("--servers", self.bash("get", "-"))
        self.assertEqual(self.bash("--routing", "=", "tw"), ["twemproxy"])
        self.assertEqual(self.bash("help", "st"), ["stats"])
        self.assertEqual(self.bash("--timeout", ""), [])

    @unittest.skipUnless(shutil.which("fish"), "no fish")
    def test_fish(self):
        def fish(line):
            done = subprocess.run(["fish", "--no-config", "-c", f"{emcache('completion', 'fish').out}\ncomplete -C '{line}'"],
                                  capture_output=True, text=True, check=True)
            return [offer.split("\t")[0] for offer in done.stdout.splitlines()]
        self.assertEqual(fish("emcache no"), ["nodes"])
        self.assertEqual(fish("emcache nodes --j"), ["--json"])
        self.assertEqual(fish("emcache --routing tw"), ["twemproxy"])

    @unittest.skipUnless(shutil.which("zsh"), "no zsh")
    def test_zsh(self):
        script = emcache("completion", "zsh").out
        self.assertTrue(script.startswith("#compdef emcache\n"))
        subprocess.run(["zsh", "-n"], input=script.encode(), check=True, timeout=60)

    def test_all_three_know_every_command_and_option(self):
        names = set()
        for line in emcache("--help").out.splitlines():
            names.update(re.findall(r"^  ([a-z_]+) ", line) + re.findall(r"--([a-z-]+)", line))
        for command in re.findall(r"^  ([a-z_]+) ", emcache("--help").out.split("Options")[0], re.MULTILINE):
            names.update(re.findall(r"^  .*?--([a-z-]+)", emcache("help", command).out, re.MULTILINE))
        self.assertGreater(len(names), 40)
        for shell in ("bash", "zsh", "fish"):
            script = emcache("completion", shell).out
            self.assertEqual([name for name in sorted(names) if not re.search(rf"\b{name}\b", script)], [], shell)

    def test_another_shell_is_refused(self):
        result = emcache("completion", "tcsh")
        self.assertEqual((result.code, result.out), (USAGE, ""))


# ---------------------------------------------------------------------- the demo

def is_memcached(process):
    try:
        with open(f"/proc/{process}/stat", encoding="ascii", errors="replace") as file:
            text = file.read()
    except OSError:
        return False
    return "(memcached)" in text and text.rsplit(")", 1)[1].split()[0] != "Z"


def processes_named(text):
    return {int(number) for number in re.findall(r"\(process (\d+)\)", text)}


class Demo(unittest.TestCase):
    def assert_gone(self, processes):
        deadline = time.monotonic() + 5
        while any(map(is_memcached, processes)) and time.monotonic() < deadline:
            time.sleep(0.02)
        self.assertEqual([process for process in processes if is_memcached(process)], [])

    def read_terminal(self, master, process, until, seconds):
        """What the program writes to its terminal until it ends or the words come."""
        text, deadline = b"", time.monotonic() + seconds
        while time.monotonic() < deadline and not (until and until in text):
            ready, _, _ = select.select([master], [], [], 0.1)
            if ready:
                try:
                    text += os.read(master, 65536)
                except OSError:
                    break
            elif process.poll() is not None:
                break
        return text

    def start_in_terminal(self, *arguments, columns=100, rows=36):
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        process = subprocess.Popen([PROGRAM, *arguments], stdin=slave, stdout=slave, stderr=slave, close_fds=True,
                                   start_new_session=True, env=environment(TERM="xterm-256color", LC_ALL="C.UTF-8"))
        os.close(slave)
        return master, process

    def test_as_plain_lines(self):
        begun = time.monotonic()
        result = emcache("demo", "--fast")
        self.assertLess(time.monotonic() - begun, 30)
        self.assertEqual((result.code, result.err), (OK, ""), result.out)
        self.assertNotIn("\033", result.out)
        for chapter in ("three nodes", "a node dies", "it returns", "one joins, one leaves", "summary"):
            self.assertRegex(result.out, rf"Chapter \d: {chapter}")
        self.assertRegex(result.out, r"B is reported unhealthy [0-3]\.\d+ s after its death")
        self.assertRegex(result.out, r"answered its first operation [01]\.\d+ s after it listened")
        self.assertRegex(result.out, r"wrong values +0\n")
        self.assertRegex(result.out, r"errors while nodes join and leave +0\n")
        self.assertEqual(result.out.count("none that did not have to"), 4)
        self.assertEqual(len(processes_named(result.out)), 4)
        self.assert_gone(processes_named(result.out))

    def test_in_a_terminal(self):
        master, process = self.start_in_terminal("demo", "--fast")
        text = self.read_terminal(master, process, None, 30)
        self.assertEqual(process.wait(timeout=5), OK)
        os.close(master)
        text = text.decode()
        self.assertEqual((text.count("\033[?1049h"), text.count("\033[?1049l")), (1, 1))
        self.assertLess(text.rindex("\033[?25l"), text.rindex("\033[?25h"), "the cursor is shown again")
        frames = text.split("\033[H")[2:]
        self.assertGreater(len(frames), 40)
        plain = re.sub(r"\033\[[0-9;?]*[A-Za-z]", "", frames[len(frames) // 2].split("\033[?1049l")[0])
        self.assertTrue(all(len(line.rstrip("\r")) <= 100 for line in plain.split("\n")))
        self.assertLessEqual(plain.count("\n"), 35)
        self.assert_gone(processes_named(text))

    def test_ctrl_c_ends_the_servers(self):
        master, process = self.start_in_terminal("demo")
        text = self.read_terminal(master, process, b"Chapter 1", 10)
        os.write(master, b"\x03") if os.tcgetpgrp(master) == process.pid else process.send_signal(signal.SIGINT)
        text = (text + self.read_terminal(master, process, None, 10)).decode()
        self.assertEqual(process.wait(timeout=5), ERROR)
        os.close(master)
        self.assertIn("\033[?1049l", text)
        self.assertIn("interrupted; its servers are ended", text)
        self.assert_gone(processes_named(text))

    def test_servers_do_not_outlive_a_demo_that_is_killed(self):
        process = subprocess.Popen([PROGRAM, "demo"], stdout=subprocess.PIPE, env=environment())
        text = ""
        while "Chapter 1" not in text:
            text += process.stdout.readline().decode()
        process.kill()
        process.wait()
        process.stdout.close()
        self.assertEqual(len(processes_named(text)), 3)
        self.assert_gone(processes_named(text))


def main():
    global PROGRAM
    if len(sys.argv) < 2:
        sys.exit("usage: test_cli.py PATH/TO/emcache [unittest's arguments]")
    PROGRAM = os.path.abspath(sys.argv[1])
    program = unittest.main(argv=[sys.argv[0], "--verbose", *sys.argv[2:]], exit=False)
    result = program.result
    bad, skipped = len(result.failures) + len(result.errors), len(result.skipped)
    print(f"{result.testsRun - bad - skipped} passed, {bad} failed" + (f", {skipped} skipped" if skipped else ""))
    sys.exit(1 if bad or result.testsRun == 0 else 0)


if __name__ == "__main__":
    main()

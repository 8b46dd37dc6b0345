"""Real memcached servers and certificates for the tests. Every server is ended by its pid, and dies with the test run whatever happens."""
import contextlib
import ctypes
import os
import random
import signal
import socket
import subprocess
import time

import emcache

HOST = "127.0.0.1"
START_BOUND_S = 20.0


def free_port():
    """A port that nothing listens on, below the ports the kernel hands out by itself: nothing takes it while a test's server is down."""
    while True:
        port = random.randrange(20000, 32000)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                probe.bind((HOST, port))
                return port


def _die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


class Server:
    """One memcached process on a port or a unix path. It can be killed and started again in its old place, and stopped and continued."""

    def __init__(self, *arguments, path=None, port=None):
        self.arguments, self.path, self.process = arguments, path, None
        self.port = None if path else port
        self._fixed = port is not None
        self.start()

    @property
    def address(self):
        if self.path:
            return emcache.MemcachedUnixSocketPath(self.path)
        return emcache.MemcachedHostAddress(HOST, self.port)

    def start(self):
        for _ in range(20):
            if not self.path and self.port is None:
                self.port = free_port()
            if self._start_once():
                self._fixed = True
                return
            if not self._fixed:
                self.port = None
        raise RuntimeError(f"memcached does not start: {self._command()}")

    def _command(self):
        place = ["-s", self.path, "-a", "700"] if self.path else ["-l", HOST, "-p", str(self.port), "-U", "0"]
        user = ["-u", "root"] if os.geteuid() == 0 else []
        return ["memcached", *place, "-t", "1", *user, *self.arguments]

    def _start_once(self):
        self.process = subprocess.Popen(self._command(), preexec_fn=_die_with_parent, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + START_BOUND_S
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                return False
            with contextlib.suppress(OSError):
                self.connect().close()
                if self.process.poll() is None:
                    return True
            time.sleep(0.002)
        self.kill()
        return False

    def connect(self):
        stream = socket.socket(socket.AF_UNIX if self.path else socket.AF_INET)
        try:
            stream.settimeout(10)
            stream.connect(self.path or (HOST, self.port))
        except OSError:
            stream.close()
            raise
        return stream

    def ask(self, request, end):
        """Sends bytes on a connection of its own and returns what comes up to `end`."""
        with contextlib.closing(self.connect()) as stream:
            stream.sendall(request)
            answer = b""
            while not answer.endswith(end):
                part = stream.recv(65536)
                if not part:
                    break
                answer += part
            return answer

    def has(self, key):
        return self.ask(b"get %b\r\n" % key, b"END\r\n") != b"END\r\n"

    def stat(self, name):
        for line in self.ask(b"stats\r\n", b"END\r\n").split(b"\r\n"):
            if line.startswith(b"STAT %b " % name.encode()):
                return int(line.split()[2])
        raise KeyError(name)

    def kill(self):
        """Ends it at once, as a crash does."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def stop(self):
        """It stands still: it still accepts, and answers nothing."""
        self.process.send_signal(signal.SIGSTOP)
        os.waitpid(self.process.pid, os.WUNTRACED)  # it may be answering on another core just now

    def go_on(self):
        self.process.send_signal(signal.SIGCONT)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()


def openssl(*arguments, folder):
    subprocess.run(["openssl", *arguments], check=True, cwd=folder, capture_output=True)


class Certificates:
    """An authority, and what it signed: for localhost, for another host, and for a client."""

    def __init__(self, folder):
        self.folder = str(folder)
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=tests",
                "-addext", "basicConstraints=critical,CA:TRUE", "-out", "authority.pem", "-keyout", "authority.key", folder=self.folder)
        self.authority = os.path.join(self.folder, "authority.pem")
        self.server = self._signed("server", "DNS:localhost,IP:127.0.0.1")
        self.elsewhere = self._signed("elsewhere", "DNS:elsewhere.example")
        self.client = self._signed("client", "DNS:client.example")

    def _signed(self, name, names):
        with open(os.path.join(self.folder, name + ".ext"), "w", encoding="ascii") as file:
            file.write(f"subjectAltName={names}\nbasicConstraints=CA:FALSE\n")
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}", "-out", name + ".csr",
                "-keyout", name + ".key", folder=self.folder)
        openssl("x509", "-req", "-in", name + ".csr", "-CA", "authority.pem", "-CAkey", "authority.key", "-CAcreateserial", "-days", "2",
                "-extfile", name + ".ext", "-out", name + ".pem", folder=self.folder)
        return os.path.join(self.folder, name + ".pem"), os.path.join(self.folder, name + ".key")

"""Runs a program in a network of its own, where localhost:11211 and 11212 are free: with servers there, as its text has it.

    python verbatim.py PROGRAM     (by test_verbatim.py)

Exit code 77: this machine gives no network of one's own, and the ports are taken.
The programs may call kill_node(port) and start_node(port), which their texts do not define: those stand in for the operator."""
import ctypes
import fcntl
import os
import socket
import struct
import sys

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1


def network_of_ones_own():
    library = ctypes.CDLL(None, use_errno=True)
    if library.unshare(CLONE_NEWNET) != 0 and library.unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0:
        return False
    with socket.socket() as any_socket:
        request = struct.pack("16sh14x", b"lo", 0)
        flags, = struct.unpack_from("h", fcntl.ioctl(any_socket, SIOCGIFFLAGS, request), 16)
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | IFF_UP))
    return True


def free(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def main():
    if not network_of_ones_own() and not (free(11211) and free(11212)):
        print("no network of one's own, and localhost:11211 and 11212 are in use")
        sys.exit(77)
    import servers
    nodes = {port: servers.Server("-m", "64", port=port) for port in (11211, 11212)}
    try:
        with open(sys.argv[1], encoding="utf-8") as file:
            text = file.read()
        names = {"__name__": "__main__", "kill_node": lambda port: nodes[port].kill(), "start_node": lambda port: nodes[port].start()}
        exec(compile(text, sys.argv[1], "exec"), names)
        sys.stdout.flush()
    finally:
        for node in nodes.values():
            node.kill()


if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    main()

#!/usr/bin/python3
"""Holds the layers against the includes: each layer sees itself and what lies below it, and the outside world comes in where
docs/architecture.md says. Also: no clock, no descriptor, no process-wide memory above src/transport/."""
import os
import re
import sys

import source

# Which folders of src/ a layer may include, its own first.
LAYERS = {
    "base": ["base"],
    "protocol": ["protocol", "base"],
    "routing": ["routing", "base"],
    "transport": ["transport", "base"],
    "node": ["node", "protocol", "routing", "transport", "base"],
    "cluster": ["cluster", "node", "protocol", "routing", "transport", "base"],
    "client": ["client", "cluster", "node", "protocol", "routing", "transport", "base"],
    "facade": ["facade", "client", "transport", "base"],
}
# Of these layers, only these headers may be seen from the facades.
FACADE_SEES = re.compile(r"^(facade/.*|base/.*|client/client\.h|transport/[a-z_]+\.h)$")
# Which public headers the lower layers may see: the words they share with the user, not the client's interface.
PUBLIC_WORDS = {"emcache/platform.h", "emcache/status.h", "emcache/routing_kind.h", "emcache/address.h", "emcache/result.h",
                "emcache/options.h", "emcache/commands.h", "emcache/meta.h", "emcache/cluster.h", "emcache/client.h"}
PUBLIC_SEEN = {
    "base": {"emcache/platform.h", "emcache/status.h", "emcache/address.h"},
    "protocol": {"emcache/platform.h", "emcache/status.h"},
    "routing": {"emcache/platform.h", "emcache/status.h", "emcache/routing_kind.h"},
    "transport": {"emcache/platform.h", "emcache/status.h", "emcache/options.h"},
    "node": PUBLIC_WORDS | {"emcache.h"},
    "cluster": PUBLIC_WORDS | {"emcache.h"},
    "client": PUBLIC_WORDS | {"emcache.h"},
    "facade": PUBLIC_WORDS | {"emcache.h"},
}
# C's own headers that know nothing of an operating system: any layer. (time.h and the like are not among them.)
PURE = {"assert.h", "ctype.h", "errno.h", "float.h", "inttypes.h", "limits.h", "math.h", "stdalign.h", "stdarg.h", "stdatomic.h",
        "stdbool.h", "stddef.h", "stdint.h", "stdio.h", "stdlib.h", "string.h"}
# A header from outside, and the only files that may include it.
OUTSIDE = [
    (r"uv\.h", r"^src/transport/uv\w*\.[ch]$"),
    (r"ares\.h|ares_\w+\.h", r"^src/transport/resolve\w*\.[ch]$"),
    (r"openssl/.*", r"^src/(transport/tls\w*|routing/(md5|sha1|hash)\w*)\.[ch]$"),
    (r"xxhash\.h", r"^src/(routing/\w+|base/hash\w*)\.[ch]$"),
    (r"(immintrin|emmintrin|x86intrin|arm_neon)\.h", r"^src/routing/\w+\.[ch]$"),
    (r"Python\.h|structmember\.h", r"^python/"),
    (r"pthread\.h|semaphore\.h|threads\.h", r"^src/facade/(fork|threaded)\w*\.[ch]$"),
    (r"signal\.h", r"^src/(facade/threaded\.c|transport/)"),  # a thread of ours takes no signals
    (r"sys/random\.h", r"^src/(facade/create|transport/\w+)\.c$"),  # a seed: neither a clock nor a descriptor
    (r"sys/.*|dirent\.h|netinet/.*|arpa/.*|net/.*|netdb\.h|unistd\.h|fcntl\.h|poll\.h|time\.h|strings\.h", r"^src/transport/"),
]
# Calls that read a clock, touch a descriptor or start something: src/transport/ alone.
WORLD = re.compile(
    r"(?<![\w.>])(clock_gettime|clock|time|gettimeofday|nanosleep|usleep|sleep|timespec_get|socket|socketpair|connect|bind|listen|accept4?|"
    r"read|readv|write|writev|send|sendto|sendmsg|recv|recvfrom|recvmsg|poll|ppoll|select|epoll_\w+|timerfd_\w+|eventfd|open|close|"
    r"fcntl|ioctl|shutdown|setsockopt|getsockopt|getaddrinfo|fork|execv\w*|pipe2?|signal|sigaction|rand|srand|random|getenv|setenv)\s*\(")
# Memory comes from the injected allocator; malloc is named once, as its default.
MEMORY = re.compile(r"(?<![\w.>])(malloc|calloc|realloc|free|strdup|strndup|asprintf|vasprintf)\s*\(")
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)


def line_of(text, position):
    return text.count("\n", 0, position) + 1


def outside_problem(path, header):
    """Words, or None, for an include in angle brackets that is not emcache's."""
    for pattern, allowed in OUTSIDE:
        if re.fullmatch(pattern, header):
            return None if re.search(allowed, path) else f"<{header}> may be included only in {allowed}"
    return None if header in PURE else f"<{header}> is not in the table of tests/lint/layers.py"


def include_problem(path, layer, quote, header):
    if header == "emcache.h" or header.startswith("emcache/"):
        return None if header in PUBLIC_SEEN[layer] else f"layer {layer} must not see <{header}>"
    if quote == "<":
        return outside_problem(path, header)
    folder = header.split("/")[0]
    if "/" not in header or not os.path.exists(os.path.join(source.ROOT, "src", header)):
        return f'"{header}" is not a header named from src/'
    if folder not in LAYERS[layer] or (layer == "facade" and not FACADE_SEES.match(header)):
        return f'layer {layer} must not see "{header}"'
    return None


def check_source(path, problems):
    layer = path.split("/")[1]
    text = source.read(path)
    for match in INCLUDE.finditer(text):
        problem = include_problem(path, layer, match.group(1), match.group(2))
        if problem:
            problems.append(f"{path}:{line_of(text, match.start())}: {problem}")
    code = source.without_comments_and_strings(text)
    if layer != "transport":
        problems += [f"{path}:{line_of(code, m.start())}: {m.group(1)}() belongs below, in src/transport/" for m in WORLD.finditer(code)]
    if path != "src/base/allocator.c":
        problems += [f"{path}:{line_of(code, m.start())}: {m.group(1)}() goes past the injected allocator" for m in MEMORY.finditer(code)]


def check_public(path, problems):
    for match in INCLUDE.finditer(source.read(path)):
        header = match.group(2)
        if not header.startswith("emcache/") and header not in {"stdbool.h", "stddef.h", "stdint.h"}:
            problems.append(f"{path}: a public header includes <{header}>")


def check_user(path, folder, problems):
    """The command, the examples and Python stand on the public header alone."""
    for match in INCLUDE.finditer(source.read(path)):
        quote, header = match.groups()
        if quote == '"' and not os.path.exists(os.path.join(source.ROOT, os.path.dirname(path), header)) \
                and not os.path.exists(os.path.join(source.ROOT, folder, header)):
            problems.append(f'{path}: "{header}" is not of {folder}/: only the public header may be seen')
        own_loop = path == "examples/uv_loop.c" and header == "uv.h"  # a program that runs on libuv itself
        if re.fullmatch(r"uv\.h|ares\.h|openssl/.*", header) and not own_loop:
            problems.append(f"{path}: <{header}> is the library's own affair")


def main():
    problems = []
    sources = source.files("src")
    for path in sources:
        if path.count("/") != 2 or path.split("/")[1] not in LAYERS:
            problems.append(f"{path}: not in a layer's folder")
        else:
            check_source(path, problems)
    public = source.files("include")
    for path in public:
        check_public(path, problems)
    users = [(path, folder) for folder in ("cli", "examples", "python") for path in source.files(folder)]
    for path, folder in users:
        check_user(path, folder, problems)
    source.finish(problems, f"{len(sources) + len(public) + len(users)} files")


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/python3
"""debian/ says what the rest of the tree says: the version is Meson's, the symbols are those of src/exports.list."""
import re

import source


def main():
    problems = []
    version = re.search(r"version: '([^']*)'", source.read("meson.build")).group(1)
    packaged = re.match(r"emcache \(([^)-]*)", source.read("debian/changelog")).group(1)
    if packaged != version:
        problems.append(f"debian/changelog has the version {packaged}, meson.build {version}")
    exports = set(source.read("src/exports.list").split())
    symbols = set(re.findall(r"^ (\w+)@Base ", source.read("debian/libemcache0.symbols"), re.MULTILINE))
    problems += [f"{name} is in src/exports.list, but not in debian/libemcache0.symbols (with the version that brings it)" for name in sorted(exports - symbols)]
    problems += [f"{name} is in debian/libemcache0.symbols, but not in src/exports.list" for name in sorted(symbols - exports)]
    source.finish(problems, f"{len(symbols)} symbols")


if __name__ == "__main__":
    main()

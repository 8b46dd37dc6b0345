"""The version of the package: the library's, which the extension is built with."""
from ._emcache import library_version

__version__ = library_version()

"""The extension module."""

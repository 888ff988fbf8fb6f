"""The assistant's page: what it hears, sees and says, on this machine's loopback address alone."""

from .server import Page

__all__ = ["Page"]

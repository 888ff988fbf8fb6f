"""Bundles: the manifest, reading with checks, atomic writing, golden vectors."""

from .manifest import Manifest
from .store import Bundle
from .writer import write_bundle

__all__ = ["Bundle", "Manifest", "write_bundle"]

"""Checkpoints in: readers found by the entry-point group ``edge_sdk.checkpoints``.

A new format is one module with a class of the protocol :class:`Reader`.
"""

from __future__ import annotations

from importlib.metadata import entry_points
from pathlib import Path
from typing import Protocol

from edge_sdk.errors import CheckpointError, DependencyError

from .content import Checkpoint

__all__ = ["Checkpoint", "Reader", "checkpoint_formats", "read_checkpoint"]

GROUP = "edge_sdk.checkpoints"


class Reader(Protocol):
    """Reads one checkpoint format without ever running code from it."""

    #: What the format looks like, for the sentence that lists the known ones.
    description: str

    def matches(self, path: Path) -> bool:
        """Whether ``path`` looks like this format."""
        ...

    def read(self, path: Path) -> Checkpoint:
        """Read it.

        Raises:
            CheckpointError: it is damaged, unsafe, or does not fit its own config.
        """
        ...


def read_checkpoint(path: str | Path) -> Checkpoint:
    """The checkpoint at ``path``, in whichever registered format it is.

    Raises:
        CheckpointError: nothing is there, no reader knows it, or it is damaged or unsafe.
        DependencyError: a package that a reader needs is not installed.
    """
    path = Path(path)
    if not path.exists():
        raise CheckpointError(f"There is no checkpoint at {path}.")
    for reader in _readers():
        if reader.matches(path):
            return reader.read(path)
    raise CheckpointError(f"{path} is not a checkpoint of a known format: {checkpoint_formats()}.")


def checkpoint_formats() -> str:
    """The registered formats, as words."""
    return "; ".join(reader.description for reader in _readers())


def _readers() -> list[Reader]:
    entries = sorted(entry_points(group=GROUP), key=lambda entry: entry.name)
    try:
        return [entry.load()() for entry in entries]
    except ImportError as error:
        raise DependencyError(
            f"Reading checkpoints needs a package that is not installed here ({error.name}): "
            "pip install 'edge-sdk[convert]'."
        ) from error

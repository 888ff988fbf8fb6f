"""Models in: readers found by the entry-point group ``edge_sdk.sources``.

A new kind of model is one module with a class of the protocol :class:`SourceReader`.
"""

from __future__ import annotations

from importlib.metadata import entry_points
from pathlib import Path
from typing import Protocol

import msgspec
from torch import nn

from edge_sdk.errors import CheckpointError, UsageError

from ..source import Source

__all__ = ["Origin", "SourceReader", "as_origin", "read_source", "source_readers"]

GROUP = "edge_sdk.sources"


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Where a model comes from.

    Attributes:
        path: a checkpoint, a ``.pt2`` or an ``.onnx`` file.
        model: ``package.module:callable``; it is imported and called, and gives an nn.Module.
        module: an nn.Module itself.
        weights: a file of weights for ``model`` or ``module``.
        spec: the ``model.toml``.
    """

    path: Path | None = None
    model: str | None = None
    module: nn.Module | None = None
    weights: Path | None = None
    spec: Path | None = None

    @property
    def named(self) -> str:
        """What the user called it, for sentences."""
        if self.path is not None:
            return str(self.path)
        return self.model or type(self.module).__name__


class SourceReader(Protocol):
    """Reads one kind of model."""

    #: What it reads, for the sentence that lists what is known.
    description: str

    def matches(self, origin: Origin) -> bool:
        """Whether ``origin`` looks like this kind."""
        ...

    def read(self, origin: Origin) -> Source:
        """Read it and cut it into parts.

        Raises:
            UsageError: the spec is wrong or lacks.
            CheckpointError: the model is damaged, or is not what the spec says.
        """
        ...


def as_origin(model: str | Path | nn.Module | Origin, spec: str | Path | None = None) -> Origin:
    """What :func:`~edge_sdk.converters.convert` was given, as an origin."""
    where = None if spec is None else Path(spec)
    if isinstance(model, Origin):
        return model if where is None else msgspec.structs.replace(model, spec=where)
    if isinstance(model, nn.Module):
        return Origin(module=model, spec=where)
    return Origin(path=Path(model), spec=where)


def source_readers() -> list[SourceReader]:
    """The registered readers, in the order of their names."""
    return [item.load()() for item in sorted(entry_points(group=GROUP), key=lambda e: e.name)]


def read_source(origin: Origin) -> Source:
    """The model, read by whichever registered reader knows it.

    Raises:
        UsageError: the spec is wrong or lacks, or weights are given that nothing takes.
        CheckpointError: nothing is there, no reader knows it, or it is damaged or unsafe.
    """
    if origin.path is not None and not origin.path.exists():
        raise CheckpointError(f"There is no checkpoint at {origin.path}.")
    if origin.path is not None and origin.weights is not None:
        raise UsageError(f"{origin.path} has its own weights; --weights goes with --model.")
    readers = source_readers()
    for reader in readers:
        if reader.matches(origin):
            return reader.read(origin)
    known = "; ".join(reader.description for reader in readers)
    raise CheckpointError(f"{origin.named} is not a model of a known kind: {known}.")

"""Checkpoints of the reference architectures: they describe themselves."""

from __future__ import annotations

from edge_sdk.errors import UsageError

from ..checkpoint import checkpoint_formats, read_checkpoint
from ..source import Source, from_checkpoint
from . import Origin


class CheckpointSource:
    """Reads what the readers of :mod:`edge_sdk.converters.checkpoint` know."""

    @property
    def description(self) -> str:
        """The formats."""
        return checkpoint_formats()

    def matches(self, origin: Origin) -> bool:
        """Whether a checkpoint reader knows it."""
        path = origin.path
        return path is not None and path.suffix not in (".pt2", ".onnx")

    def read(self, origin: Origin) -> Source:
        """Read the checkpoint; it needs no spec."""
        assert origin.path is not None
        if origin.spec is not None:
            raise UsageError(
                f"{origin.path} is a checkpoint that describes itself; --spec goes with --model, "
                "a .pt2 or an .onnx file. For weights of a model of yours: "
                "--model package.module:callable --weights FILE."
            )
        return from_checkpoint(read_checkpoint(origin.path))

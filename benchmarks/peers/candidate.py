"""What is compared: somebody's way from the trained model to the graphs that a device runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

import msgspec

from ..tree import TreeUsage

if TYPE_CHECKING:
    from .material import Material

Engine = Literal["onnxruntime", "openvino", "litert", "executorch"]


class Graph(msgspec.Struct, frozen=True, kw_only=True):
    """A file of a part, and the engine that runs it."""

    engine: Engine
    graph: str


class Converted(msgspec.Struct, frozen=True, kw_only=True):
    """What a conversion gave.

    Attributes:
        parts: the graph of every part.
        size: bytes of all files that the parts need.
        usage: what the conversion took; None where nothing was converted.
        before: what the export took that it started from; None where that is in ``usage``.
        fixed: by part, the inputs that have to be padded (as a TFLite note has them).
        kept: the parts that stayed as they were given, and why.
    """

    parts: dict[str, Graph]
    size: int
    usage: TreeUsage | None
    before: TreeUsage | None = None
    fixed: dict[str, list[dict[str, Any]]] = {}
    kept: dict[str, str] = {}


class Candidate(Protocol):
    """One row of the table.

    Attributes:
        name: for the command line and the JSON.
        title: for the table.
        environment: whose Python runs its graphs: a file in ``requirements/``, or None for the
            project's own.
        seeded: whether it is converted once a seed; else with the first seed alone.
    """

    name: str
    title: str
    environment: str | None
    seeded: bool

    def convert(self, material: Material, seed: int, out: Path) -> Converted:
        """Convert, calibrated on the subset of ``seed``, into the empty folder ``out``.

        Raises:
            EdgeError: it failed as a whole.
        """
        ...

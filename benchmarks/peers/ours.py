"""This project, by its command line, as a user calls it."""

from __future__ import annotations

from pathlib import Path

from edge_sdk.bundle import Bundle

from ..process import edge_sdk
from ..tree import measure_tree
from .candidate import Converted, Engine
from .graphs import unpacked
from .material import Material


class Ours:
    """``edge-sdk convert`` for this machine, from the checkpoint on, with an empty cache."""

    environment: str | None = None

    def __init__(self, name: str, title: str, engine: Engine, *, seeded: bool = False) -> None:
        self.name, self.title, self.seeded = name, title, seeded
        self._engine = engine

    def convert(self, material: Material, seed: int, out: Path) -> Converted:
        """What ships is what the gate lets through: a part may stay fp32."""
        path = out / "bundle.edge"
        usage = measure_tree(
            edge_sdk(
                *("convert", str(material.checkpoint), "--engine", self._engine),
                *("--calibration", str(material.subset(seed))),
                *("--evaluation", str(material.undrawn(seed))),
                *("--cache", str(out / "cache"), "--output", str(path)),
            )
        )
        graphs = unpacked(Bundle.open(path), self._engine, out)
        return Converted(
            parts=graphs.parts,
            size=graphs.size,
            usage=usage,
            fixed=graphs.fixed,
            kept=graphs.kept,
        )

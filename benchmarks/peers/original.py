"""The model as it was trained, in fp32: what everybody starts from."""

from __future__ import annotations

from pathlib import Path

from .candidate import Converted, Graph
from .material import Material


class Original:
    """The fp32 graphs; what their export took stands for every peer that starts from them."""

    environment: str | None = None
    seeded = False

    def __init__(self, name: str, title: str) -> None:
        self.name, self.title = name, title

    def convert(self, material: Material, seed: int, out: Path) -> Converted:
        """Nothing is converted but from the checkpoint to ONNX."""
        return Converted(
            parts={n: Graph(engine="onnxruntime", graph=p) for n, p in material.onnx.items()},
            size=sum(Path(p).stat().st_size for p in material.onnx.values()),
            usage=material.export_usage,
        )

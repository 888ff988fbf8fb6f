"""The graphs of a bundle's edition as files, with what their lengths need."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from edge_sdk.bundle import Bundle
from edge_sdk.bundle.tflite_note import read_note

from .candidate import Engine, Graph

_ENDINGS: dict[Engine, str] = {"onnxruntime": ".onnx", "litert": ".tflite"}


class Unpacked(msgspec.Struct, frozen=True):
    """Graphs by part, their bytes, what is padded, and the parts that are fp32 though not asked."""

    parts: dict[str, Graph]
    size: int
    fixed: dict[str, list[dict[str, Any]]]
    kept: dict[str, str]


def unpacked(bundle: Bundle, edition: Engine, folder: Path) -> Unpacked:
    """Write the graphs of ``edition`` into ``folder``, ``NAME.onnx`` or ``NAME.tflite``."""
    parts: dict[str, Graph] = {}
    fixed: dict[str, list[dict[str, Any]]] = {}
    kept: dict[str, str] = {}
    size = 0
    for part in bundle.manifest.parts:
        variant = bundle.manifest.variant(part, edition)
        engine: Engine = "litert" if variant.engine == "litert" else "onnxruntime"
        content = bundle.read(variant.file)
        path = folder / f"{part.name}{_ENDINGS[engine]}"
        path.write_bytes(content)
        size += len(content)
        parts[part.name] = Graph(engine=engine, graph=str(path))
        note = read_note(content) if engine == "litert" else None
        if note is not None and note.fixed:
            fixed[part.name] = [msgspec.to_builtins(one) for one in note.fixed]
        if variant.precision == "fp32":
            kept[part.name] = "fp32 by the gate"
    return Unpacked(parts, size, fixed, kept)

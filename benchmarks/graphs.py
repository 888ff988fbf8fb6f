"""The graphs of a bundle as files, in the order in which they run."""

from __future__ import annotations

from pathlib import Path

from edge_sdk.bundle import Bundle

from .bench import ENGINE


def unpack_graphs(bundle: Bundle, folder: Path) -> list[Path]:
    """Write the graphs below ``folder``: the encoders in the order of the head's inputs, the head.

    Returns:
        Their paths, in that order.
    """
    folder.mkdir(exist_ok=True)
    paths = []
    for part in (*bundle.manifest.encoders, bundle.manifest.head):
        path = folder / f"{part.name}.onnx"
        path.write_bytes(bundle.read(bundle.manifest.variant(part, ENGINE).file))
        paths.append(path)
    return paths

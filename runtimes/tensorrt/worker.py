"""Compile one graph in a process of its own: ``python -m edge_sdk.runtimes.tensorrt.worker``.

TensorRT can crash on a graph, and then only this process is lost. On a build host it compiles
for a GPU that is not there with ``tensorrt_rtx``, through the same code as a device.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import msgspec

from edge_sdk.bundle.manifest import ShapeRange
from edge_sdk.errors import EngineError

from .binding import load_binding
from .build import BuildFlags, Configure, build_engine
from .layers import Layer


class Task(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to compile: the path of an ONNX file, its shapes, and for which binding and GPU.

    ``capability`` names a compute capability of ``tensorrt_rtx`` (``SM86``); None is this GPU's.
    """

    graph: str
    profiles: tuple[ShapeRange, ...] = ()
    flags: BuildFlags = BuildFlags()
    binding: str = "tensorrt"
    capability: str | None = None


class Report(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What came of it: ``error`` is a sentence, None where the engine was built."""

    version: str
    error: str | None = None
    seconds: float = 0.0
    size: int = 0
    layers: tuple[Layer, ...] = ()
    warnings: tuple[str, ...] = ()


def work(task: Task) -> Report:
    """Compile; an engine that cannot be built is a report with an error, too."""
    try:
        trt = load_binding(task.binding)
    except EngineError as error:
        return Report(version="", error=str(error))
    started = time.monotonic()
    try:
        built = build_engine(
            trt,
            Path(task.graph).read_bytes(),
            task.profiles,
            task.flags,
            configure=_for_capability(trt, task.capability) if task.capability else None,
        )
    except EngineError as error:
        return Report(version=trt.__version__, error=str(error))
    return Report(
        version=trt.__version__,
        seconds=round(time.monotonic() - started, 3),
        size=len(built.plan),
        layers=built.layers,
        warnings=built.warnings,
    )


def _for_capability(trt: object, name: str) -> Configure:
    known = getattr(trt, "ComputeCapability", None)
    if known is None or not hasattr(known, name):
        raise EngineError(f"This TensorRT cannot compile for {name}, a GPU that is not here.")

    def configure(config: object) -> None:
        config.num_compute_capabilities = 1  # type: ignore[attr-defined]
        config.set_compute_capability(getattr(known, name), 0)  # type: ignore[attr-defined]

    return configure


def main() -> None:
    """Read a :class:`Task` as JSON from standard input, write the report to the path given."""
    report = work(msgspec.json.decode(sys.stdin.buffer.read(), type=Task))
    Path(sys.argv[1]).write_bytes(msgspec.json.encode(report))


if __name__ == "__main__":
    main()

"""Compiles a kit on the build host with TensorRT-RTX, for a GPU that is not there.

It shows that TensorRT's parser takes every graph, that its compiler builds an engine of it, and
in which type each planned layer computes. It runs nothing: an engine of the RTX edition does not
run on a Jetson, and its compiler is not JetPack's 10.3. What awaits a board stays unsaid here.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from importlib.util import find_spec
from pathlib import Path

import msgspec

from edge_sdk.errors import DependencyError, UsageError, ending

from .export.tensorrt import Kit, KitGraph

#: The nearest that TensorRT-RTX compiles for: an Orin is SM87, of the same generation.
CAPABILITY = "SM86"
_WORKER = "edge_sdk.runtimes.tensorrt.worker"
_BINDING = "tensorrt_rtx"
_KERNELS = {"int8": "Int8", "fp16": "Half"}
#: How the error of a check begins whose compiler died.
CRASHED = "TensorRT crashed while compiling"
_MISSING = "is not installed"


class CompiledLayer(msgspec.Struct, frozen=True, kw_only=True):
    """A layer as the worker reports it; see :class:`edge_sdk.runtimes.tensorrt.layers.Layer`."""

    name: str
    kind: str
    inputs: tuple[str, ...]
    constants: tuple[str, ...]
    nodes: tuple[str, ...]


class WorkerReport(msgspec.Struct, frozen=True, kw_only=True):
    """What the worker writes; see :class:`edge_sdk.runtimes.tensorrt.worker.Report`."""

    version: str
    error: str | None = None
    seconds: float = 0.0
    size: int = 0
    layers: tuple[CompiledLayer, ...] = ()
    warnings: tuple[str, ...] = ()


class KernelCheck(msgspec.Struct, frozen=True, kw_only=True):
    """What came of compiling one graph.

    Attributes:
        part: the part.
        precision: ``int8`` or ``fp16``.
        version: of TensorRT-RTX.
        capability: the compute capability compiled for.
        planned: how many nodes were to compute in the precision.
        missed: those that do not, with what was found instead.
        error: why there is no engine; None where there is one.
        seconds: how long compiling took.
        size: bytes of the engine.
        warnings: what TensorRT warned of.
    """

    part: str
    precision: str
    version: str = ""
    capability: str = CAPABILITY
    planned: int = 0
    missed: dict[str, str] = {}
    error: str | None = None
    seconds: float = 0.0
    size: int = 0
    warnings: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether an engine was built and every planned node has its kernel."""
        return self.error is None and not self.missed

    def sentence(self) -> str:
        """The result in one sentence."""
        what = f"The {self.precision} graph of the part {self.part}"
        if self.error is not None:
            return f"{what} has no engine: {self.error}"
        where = f"TensorRT-RTX {self.version} for {self.capability}"
        if self.missed:
            name, found = next(iter(self.missed.items()))
            return (
                f"{what} is compiled by {where}, but {len(self.missed)} of {self.planned} planned "
                f"nodes have no {self.precision} kernel, first {name} ({found})."
            )
        return (
            f"{what} is compiled by {where}: {self.planned} of {self.planned} planned nodes have "
            f"{self.precision} kernels."
        )


def require_compiler(engines: Iterable[str]) -> None:
    """See that kits are made and can be compiled here.

    Raises:
        UsageError: none of ``engines`` is TensorRT.
        DependencyError: TensorRT-RTX is not installed.
    """
    if "tensorrt" not in engines:
        raise UsageError(
            "There is no TensorRT kit to check: no target has the engine tensorrt. Name a Jetson "
            "target, or add --engine tensorrt."
        )
    if find_spec(_BINDING) is None:
        raise DependencyError(
            "Checking kernels needs TensorRT-RTX: pip install 'edge-sdk[verify-tensorrt]'."
        )


def verify_kit(
    kit: Kit, *, capability: str = CAPABILITY, timeout: float = 600.0, python: str = sys.executable
) -> list[KernelCheck]:
    """Compile every graph of ``kit``, each in a process of its own; a crash is a result, too.

    Args:
        kit: the kit of a part.
        capability: a compute capability that TensorRT-RTX knows.
        timeout: seconds for one graph.
        python: the interpreter that has TensorRT-RTX and this package.

    Raises:
        DependencyError: TensorRT-RTX is not installed.
    """
    return [_verify(kit, item, capability, timeout, python) for item in kit.graphs]


def _verify(kit: Kit, item: KitGraph, capability: str, timeout: float, python: str) -> KernelCheck:
    with tempfile.TemporaryDirectory(prefix="edge-sdk-tensorrt-") as folder:
        graph, answer = Path(folder, "graph.onnx"), Path(folder, "report.json")
        graph.write_bytes(item.graph.SerializeToString())
        task = {
            "graph": str(graph),
            "profiles": kit.profiles,
            "binding": _BINDING,
            "capability": capability,
        }
        report = run_worker(python, msgspec.json.encode(task), answer, timeout)
    if report.error is not None and _MISSING in report.error:
        raise DependencyError(report.error)
    return KernelCheck(
        part=kit.part,
        precision=item.precision,
        version=report.version,
        capability=capability,
        planned=len(item.planned),
        missed=missed_kernels(item, report.layers) if report.error is None else {},
        error=report.error,
        seconds=report.seconds,
        size=report.size,
        warnings=report.warnings,
    )


def missed_kernels(item: KitGraph, layers: tuple[CompiledLayer, ...]) -> dict[str, str]:
    """The planned nodes that do not compute in their precision, with what was found instead.

    A node may be spread over layers: those that multiply must all take two operands of its
    precision. An int8 node in no such layer counts as missed. An fp16 node may also be in a
    kernel that the compiler wrote for several nodes at once (it does for a product with a
    vector), if that takes fp16.
    """
    wanted = _KERNELS[item.precision]
    by_node: dict[str, list[CompiledLayer]] = {}
    for layer in layers:
        for node in layer.nodes:
            by_node.setdefault(node, []).append(layer)
    missed = {}
    for node in item.planned:
        found = by_node.get(node, [])
        computing = [layer for layer in found if layer.kind in COMPUTING]
        if computing:
            good = all(_in_precision(layer, wanted) for layer in computing)
        else:
            good = item.precision == "fp16" and any(
                layer.kind == "kgen" and wanted in (*layer.inputs, *layer.constants)
                for layer in found
            )
        if not good:
            shown = [f"{layer.kind} {_types(layer)}" for layer in computing or found]
            missed[node] = "; ".join(shown) or "in no layer"
    return missed


#: The kinds of layers that multiply and accumulate.
COMPUTING = ("correlation", "convolution", "gemm", "deconv", "deconvolution", "runtime_fusion")


def _in_precision(layer: CompiledLayer, wanted: str) -> bool:
    # The weights come as a constant, or as the second input of a product of activations.
    first, *rest = layer.inputs or ("",)
    return first == wanted and wanted in (*rest, *layer.constants)


def _types(layer: CompiledLayer) -> str:
    return "/".join(dict.fromkeys([*layer.inputs, *layer.constants])) or "without inputs"


def run_worker(python: str, task: bytes, answer: Path, timeout: float) -> WorkerReport:
    """What the worker reports on ``task``, or that it crashed or took too long."""
    try:
        done = subprocess.run(
            [python, "-m", _WORKER, str(answer)],
            input=task,
            capture_output=True,
            timeout=timeout,
            check=False,
            # Python looks in the working folder first; nothing of ours may be found there.
            cwd=answer.parent,
            env=_environment(),
        )
    except subprocess.TimeoutExpired:
        return WorkerReport(version="", error=f"compiling took more than {timeout:g} seconds.")
    if done.returncode == 0 and answer.exists():
        return msgspec.json.decode(answer.read_bytes(), type=WorkerReport)
    return WorkerReport(version="", error=_crash(done))


def _crash(done: subprocess.CompletedProcess[bytes]) -> str:
    said = done.stderr.decode(errors="replace").strip().splitlines()
    last = f"; the last it said: {said[-1]}" if said else ""
    if done.returncode < 0:
        return f"{CRASHED} ({ending(done.returncode)}){last}."
    return f"the compiling process ended with code {done.returncode}{last}."


def _environment() -> Mapping[str, str]:
    """This process's, with its own search path: the worker is to find the same package."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path))}

"""One part to one ONNX graph, held against torch at several lengths before anyone uses it."""

from __future__ import annotations

import numpy as np
import onnx
import torch
from torch import nn

from edge_sdk.errors import ExportError

from ..blame import own_paths
from ..parts import PartSpec
from ..reference import Reference
from .naming import canonical, name_nodes, rename_axes, rename_interface
from .traced import from_trace

# The largest error against torch, in units of the largest output (at least 1).
PARITY = 1e-4


def export_onnx(spec: PartSpec) -> onnx.ModelProto:
    """Export and verify one part.

    A module is traced where a trace may be trusted and gives what torch gives, and captured as a
    program otherwise, which takes several times as long.

    Raises:
        ExportError: the exporter cannot express the module, or its graph gives other results
            than torch at one of the lengths; or the graph that the part came as does not run.
    """
    if spec.module is None:
        assert spec.graph is not None, "a part has a module or a graph"
        graph = canonical(spec.graph)
        check_parity(spec, graph)
        return graph
    traced = from_trace(spec, spec.module)
    if traced is not None:
        try:
            return _checked(spec, spec.module, traced)
        except ExportError:
            # Something was frozen that the trace did not tell of.
            del traced
    # It takes long to import, and is seldom needed.
    from .program import from_program

    return _checked(spec, spec.module, from_program(spec, spec.module))


def _checked(spec: PartSpec, module: nn.Module, found: onnx.ModelProto) -> onnx.ModelProto:
    exported = canonical(name_nodes(found, own_paths(module)))
    _check_interface(spec, exported)
    graph = rename_interface(exported, spec.inputs, spec.outputs)
    graph = rename_axes(graph, spec.dynamic)
    check_parity(spec, graph)
    return graph


def check_parity(spec: PartSpec, graph: onnx.ModelProto) -> float:
    """The largest error of ``graph`` against torch over all lengths, relative to the output.

    Raises:
        ExportError: it is above :data:`PARITY`, or the graph does not run at a length.
    """
    reference = Reference(graph)
    module = spec.module.eval() if spec.module is not None else None
    worst = 0.0
    for length, arguments in spec.examples():
        feed = {n: a.numpy() for n, a in zip(spec.inputs, arguments, strict=True)}
        try:
            got = reference.run(feed)
        except ExportError as error:
            raise ExportError(
                f"The graph of the part {spec.name} does not run at length {length}: {error}"
            ) from error
        if module is None:
            continue
        with torch.no_grad():
            wanted = module(*arguments)
        wanted = wanted if isinstance(wanted, tuple) else (wanted,)
        for name, tensor in zip(spec.outputs, wanted, strict=True):
            worst = max(worst, _relative_error(got[name], tensor.numpy(), spec, length))
    return worst


def _relative_error(got: np.ndarray, wanted: np.ndarray, spec: PartSpec, length: int) -> float:
    if got.shape != wanted.shape:
        raise ExportError(
            f"The graph of the part {spec.name} gives the shape {list(got.shape)} where torch "
            f"gives {list(wanted.shape)}, at length {length}."
        )
    error = float(np.abs(got - wanted).max() / max(1.0, float(np.abs(wanted).max())))
    if not error <= PARITY:
        raise ExportError(
            f"The graph of the part {spec.name} differs from torch by {error:.2g} at length "
            f"{length} (allowed: {PARITY:g}): a size was frozen or an operator is wrong."
        )
    return error


def _check_interface(spec: PartSpec, graph: onnx.ModelProto) -> None:
    counts = len(graph.graph.input), len(graph.graph.output)
    if counts != (len(spec.inputs), len(spec.outputs)):
        raise ExportError(
            f"The graph of the part {spec.name} has {counts[0]} inputs and {counts[1]} outputs; "
            f"expected: {', '.join(spec.inputs)} to {', '.join(spec.outputs)}. "
            "Does the module use every input?"
        )

"""One part to one ONNX graph, held against torch at several lengths before anyone uses it."""

from __future__ import annotations

import contextlib
import inspect
import io
import logging
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import onnx
import torch
from torch import nn

from edge_sdk.errors import ExportError

from ..blame import own_paths
from ..parts import PartSpec
from ..reference import Reference
from .naming import canonical, name_nodes, rename_axes, rename_interface
from .operators import TRANSLATIONS
from .recurrent import with_fused_recurrence
from .why import why_not_captured, why_not_translated

# TensorRT 10.3 reads up to opset 20; 18 is the exporter's own, so nothing is converted down.
OPSET = 18
# The largest error against torch, in units of the largest output (at least 1).
PARITY = 1e-4


def export_onnx(spec: PartSpec) -> onnx.ModelProto:
    """Export and verify one part.

    Raises:
        ExportError: the exporter cannot express the module, or its graph gives other results
            than torch at one of the lengths; or the graph that the part came as does not run.
    """
    if spec.module is None:
        assert spec.graph is not None, "a part has a module or a graph"
        graph = canonical(spec.graph)
    else:
        exported = canonical(name_nodes(_translate(spec, spec.module), own_paths(spec.module)))
        _check_interface(spec, exported)
        graph = rename_interface(exported, spec.inputs, spec.outputs)
        graph = rename_axes(graph, spec.dynamic)
    check_parity(spec, graph)
    return graph


def _translate(spec: PartSpec, module: nn.Module) -> onnx.ModelProto:
    """Capture the module as a program, and the program as a graph; failures name the layer."""
    module = with_fused_recurrence(module).eval()
    try:
        with _quiet(), torch.no_grad():
            program = torch.export.export(
                module,
                spec.example,
                dynamic_shapes=_dynamic_shapes(spec, module),
                strict=False,
                # Code that only treats a length of 1 apart is no reason to refuse the others:
                # check_parity has the last word.
                prefer_deferred_runtime_asserts_over_guards=True,
            )
    except Exception as error:  # torch raises whatever its many stages raise
        raise ExportError(why_not_captured(spec.name, error, module)) from error
    try:
        with _quiet(), torch.no_grad():
            found = torch.onnx.export(
                program,
                opset_version=OPSET,
                custom_translation_table=TRANSLATIONS,
                dynamo=True,
                verbose=False,
            )
    except Exception as error:
        raise ExportError(why_not_translated(spec.name, error, program)) from error
    assert found is not None
    return found.model_proto


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


def _dynamic_shapes(spec: PartSpec, module: nn.Module) -> Any:
    """What :func:`torch.export.export` wants: for each argument its axis of any length."""
    if not spec.dynamic:
        return None
    shapes = tuple(_dynamic_shape(spec, name) for name in spec.inputs)
    # A forward with *arguments has one parameter, with all of the shapes.
    parameters = inspect.signature(module.forward).parameters.values()
    packed = any(p.kind is inspect.Parameter.VAR_POSITIONAL for p in parameters)
    return (shapes,) if packed else shapes


def _dynamic_shape(spec: PartSpec, name: str) -> dict[int, Any] | None:
    # Without bounds: code that treats some length apart, 1 above all, narrows what was captured
    # and is no reason to refuse the rest. check_parity has the last word at every length.
    return {spec.dynamic[name][0]: torch.export.Dim.DYNAMIC} if name in spec.dynamic else None


def _check_interface(spec: PartSpec, graph: onnx.ModelProto) -> None:
    counts = len(graph.graph.input), len(graph.graph.output)
    if counts != (len(spec.inputs), len(spec.outputs)):
        raise ExportError(
            f"The graph of the part {spec.name} has {counts[0]} inputs and {counts[1]} outputs; "
            f"expected: {', '.join(spec.inputs)} to {', '.join(spec.outputs)}. "
            "Does the module use every input?"
        )


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """The exporter warns, logs and prints about torch's own internals."""
    logging.disable(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(logging.NOTSET)

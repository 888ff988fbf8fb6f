"""One part to one ONNX graph, held against torch at several lengths before anyone uses it."""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Iterator

import numpy as np
import onnx
import torch
from torch import Tensor

from edge_sdk.errors import ExportError

from ..parts import PartSpec
from ..reference import Reference
from .gru import TRANSLATIONS, with_fused_grus
from .naming import canonical, rename_interface

# TensorRT 10.3 reads up to opset 20; 18 is the exporter's own, so nothing is converted down.
OPSET = 18
# The largest error against torch, in units of the largest output (at least 1).
PARITY = 1e-4


def export_onnx(spec: PartSpec) -> onnx.ModelProto:
    """Export and verify one part.

    Raises:
        ExportError: the exporter cannot express the module, or its graph gives other results
            than torch at one of the lengths.
    """
    module = with_fused_grus(spec.module).eval()
    shapes = tuple(_dynamic_shape(spec, name) for name in spec.inputs)
    try:
        with _quiet(), torch.no_grad():
            program = torch.onnx.export(
                module,
                spec.example,
                dynamic_shapes=_arguments(spec, shapes),
                opset_version=OPSET,
                custom_translation_table=TRANSLATIONS,
                dynamo=True,
                verbose=False,
            )
    except Exception as error:  # the exporter raises whatever its many stages raise
        reason = str(error).strip().splitlines()
        raise ExportError(
            f"The part {spec.name} cannot be exported to ONNX: "
            f"{reason[0] if reason else type(error).__name__}."
        ) from error
    assert program is not None
    exported = canonical(program.model_proto)
    _check_interface(spec, exported)
    graph = rename_interface(exported, spec.inputs, spec.outputs)
    check_parity(spec, graph)
    return graph


def check_parity(spec: PartSpec, graph: onnx.ModelProto) -> float:
    """The largest error of ``graph`` against torch over all lengths, relative to the output.

    Raises:
        ExportError: it is above :data:`PARITY`, or the graph does not run at a length.
    """
    reference = Reference(graph)
    module = spec.module.eval()
    worst = 0.0
    for length in spec.lengths or (0,):
        arguments = [
            _resized(value, spec.dynamic.get(name), length, seed)
            for seed, (name, value) in enumerate(zip(spec.inputs, spec.example, strict=True))
        ]
        with torch.no_grad():
            wanted = module(*arguments)
        wanted = wanted if isinstance(wanted, tuple) else (wanted,)
        try:
            got = reference.run({n: a.numpy() for n, a in zip(spec.inputs, arguments, strict=True)})
        except ExportError as error:
            raise ExportError(
                f"The graph of the part {spec.name} does not run at length {length}: {error}"
            ) from error
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


def _dynamic_shape(spec: PartSpec, name: str) -> dict[int, torch.export.Dim] | None:
    axis = spec.dynamic.get(name)
    # A lower bound of 2: the exporter treats 1 as a size of its own and would freeze it. The
    # graph runs at length 1 all the same, which check_parity shows.
    return None if axis is None else {axis[0]: torch.export.Dim(axis[1], min=2)}


def _arguments(
    spec: PartSpec, shapes: tuple[dict[int, torch.export.Dim] | None, ...]
) -> tuple[object, ...] | None:
    if not spec.dynamic:
        return None
    return shapes


def _resized(value: Tensor, axis: tuple[int, str] | None, length: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    shape = list(value.shape)
    if axis is not None:
        shape[axis[0]] = length
    if value.dtype.is_floating_point:
        # A mask keeps its values, 0 and 1, and features get a spread like normalised ones.
        return (
            value if axis is None and value.numel() < 8 else torch.randn(shape, generator=generator)
        )
    return torch.randint(0, int(value.max()) + 1, shape, generator=generator, dtype=value.dtype)


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
    """The exporter warns about packages it could use and about torch's own internals."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)

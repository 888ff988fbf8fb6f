"""A module's graph by tracing: a fifth of the processor time of capturing its program.

Torch notes what a module does with one input set, so the graph is right only where nothing of that
depends on sizes or values. It is taken where torch saw no such thing, and where no size is left to
compute when it runs; any other module, and any module in a torch without this exporter, is to be
captured as a program.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import onnx
import onnx_ir
import torch
from onnxscript import optimizer, rewriter
from torch import nn

from ..parts import PartSpec
from .opset import OPSET
from .quiet import quiet
from .recurrent import with_fused_recurrence
from .traced_operators import FUSED, Frozen

# What prints whole graphs, from below Python, where the exporter fails.
_PRINTS = "_jit_onnx_log"
# Constants that the graph would make of a shape are made now, up to this many elements.
_FEW = 4096


def from_trace(spec: PartSpec, module: nn.Module) -> onnx.ModelProto | None:
    """The graph of ``module``, or None where a trace may not be trusted.

    Nodes are called by the path of the module that they come from, as ``/trunk/first/Conv``.
    """
    try:
        content = _trace(spec, module)
        if content is None:
            return None
        graph = _simplified(onnx.load_from_string(content))
    except Exception:  # torch raises whatever its many stages raise; the program will say why
        return None
    settled = all(
        node.op_type != "Shape" and not any(a.HasField("g") or a.graphs for a in node.attribute)
        for node in graph.graph.node
    )
    return graph if settled else None


def _trace(spec: PartSpec, module: nn.Module) -> bytes | None:
    found = io.BytesIO()
    with quiet() as said, _unprinted(), torch.no_grad():
        torch.onnx.export(
            with_fused_recurrence(module, FUSED).eval(),
            spec.example,
            found,  # type: ignore[arg-type]
            dynamo=False,
            opset_version=OPSET,
            input_names=list(spec.inputs),
            output_names=list(spec.outputs),
            dynamic_axes={name: {axis: called} for name, (axis, called) in spec.dynamic.items()},
        )
    if any(issubclass(warning.category, Frozen) for warning in said):
        return None
    return found.getvalue()


@contextmanager
def _unprinted() -> Iterator[None]:
    printing = getattr(torch._C, _PRINTS, None)
    if printing is None:
        yield
        return
    setattr(torch._C, _PRINTS, lambda *what: None)
    try:
        yield
    finally:
        setattr(torch._C, _PRINTS, printing)


def _simplified(graph: onnx.ModelProto) -> onnx.ModelProto:
    """With constants folded, those too that say how much to pad, and pads in convolutions."""
    # The tracer's own shapes have lost what a pad of unknown size hid.
    del graph.graph.value_info[:]
    model = onnx_ir.serde.deserialize_model(graph)
    optimizer.fold_constants(model, onnx_shape_inference=True, should_fold=_worth_folding)
    if _know_sizes(model):
        optimizer.fold_constants(model, onnx_shape_inference=True, should_fold=_worth_folding)
    optimizer.optimize_ir(model)
    return onnx_ir.serde.serialize_model(rewriter.rewrite(model))


def _worth_folding(node: onnx_ir.Node) -> bool | None:
    """ConstantOfShape too, which is left alone unless asked for."""
    shape = node.inputs[0] if node.op_type == "ConstantOfShape" else None
    if shape is None or shape.const_value is None:
        return None
    return bool(shape.const_value.numpy().prod() <= _FEW)


def _know_sizes(model: onnx_ir.Model) -> int:
    """Put constants for single sizes that are known, which a trace asks for; how many."""
    known = 0
    for node in model.graph:
        shape = node.inputs[0].producer() if node.op_type == "Gather" and node.inputs[0] else None
        index = node.inputs[1].const_value if shape and node.inputs[1] else None
        if shape is None or shape.op_type != "Shape" or index is None or index.size != 1:
            continue
        measured = shape.inputs[0].shape if shape.inputs[0] else None
        size = measured[int(index.numpy().item())] if measured and not shape.attributes else None
        if isinstance(size, int):
            tensor = onnx_ir.tensor(np.full(index.numpy().shape, size, np.int64))
            constant = onnx_ir.Value(name=f"{node.name}/size", const_value=tensor)
            model.graph.register_initializer(constant)
            onnx_ir.convenience.replace_all_uses_with(node.outputs[0], constant)
            known += 1
    return known

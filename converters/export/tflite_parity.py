"""A TFLite graph against the module it came from, at several lengths."""

from __future__ import annotations

import msgspec
import numpy as np
import torch
from torch import nn

from edge_sdk.errors import ExportError

from ..parts import PartSpec
from .tflite_reference import TfliteReference

# The largest error against torch, in units of the largest output (at least 1).
PARITY = 1e-4


def check_tflite_parity(spec: PartSpec, graph: bytes, *, limit: float = PARITY) -> float:
    """The largest error of ``graph`` against torch over all lengths, relative to the output.

    Both the reference kernels and the fast ones are held against torch, each input unpadded.

    Raises:
        ExportError: it is above ``limit``, or the graph does not run.
    """
    module = module_of(spec).eval()
    runners = [TfliteReference(graph), TfliteReference(graph, optimise=True)]
    worst = 0.0
    for length, arguments in _within(spec, runners[0]).examples():
        with torch.no_grad():
            wanted = module(*arguments)
        wanted = wanted if isinstance(wanted, tuple) else (wanted,)
        feed = {name: a.numpy() for name, a in zip(spec.inputs, arguments, strict=True)}
        for runner in runners:
            got = runner.run(feed)
            for name, tensor in zip(spec.outputs, wanted, strict=True):
                error = _relative_error(got[name], tensor.numpy())
                if not error <= limit:
                    raise ExportError(
                        f"The TFLite graph of the part {spec.name} differs from torch by "
                        f"{error:.2g} at length {length} (allowed: {limit:g}): padding reaches "
                        "the result, or an operator is wrong."
                    )
                worst = max(worst, error)
    return worst


def module_of(spec: PartSpec) -> nn.Module:
    """The part's module.

    Raises:
        ExportError: the part came as an ONNX graph.
    """
    if spec.module is None:
        raise ExportError(
            f"The part {spec.name} came as an ONNX graph, and TFLite is made from torch: give the "
            "module or the exported program instead."
        )
    return spec.module


def _within(spec: PartSpec, runner: TfliteReference) -> PartSpec:
    """``spec`` with its shortest, middle and longest lengths, as far as the graph takes them."""
    spans, lengths = {}, set(spec.lengths)
    for fixed in runner.note.fixed:
        shortest, longest = spec.spans.get(fixed.input, (1, fixed.size))
        longest = min(longest, fixed.size)
        spans[fixed.input] = (shortest, longest)
        lengths |= {shortest, (shortest + longest) // 2, longest}
    return msgspec.structs.replace(spec, spans=spans, lengths=tuple(sorted(lengths)))


def _relative_error(got: np.ndarray, wanted: np.ndarray) -> float:
    if got.shape != wanted.shape:
        return float("inf")
    return float(np.abs(got - wanted).max() / max(1.0, float(np.abs(wanted).max())))

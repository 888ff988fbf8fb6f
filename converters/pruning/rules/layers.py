"""Layers with weights: linear, convolutions, norms, embeddings."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from torch import Tensor

from ..trace import Call, Rule, Trace, Work, give_up
from ..units import Labels
from .reductions import spread

_FED = "is fed by what is not pruned"
_TWO = "its channels are on another axis than the layer's"


def linear(trace: Trace, call: Call) -> None:
    """Weight ``[O, I]``: consumes the last axis, makes new channels on it."""
    source, weight = call.args[0], call.get(1, "weight")
    if not trace.weight(weight):
        give_up(trace, call)
        return
    consume(trace, trace.channels(trace.labels(source), -1, _TWO), trace.axis(weight, 1))
    produce(trace, call, weight, call.get(2, "bias"), -1)
    trace.work.append(Work(id(weight), call.result.numel() // weight.shape[0]))


def convolve(trace: Trace, call: Call) -> None:
    """Weight ``[O, I / groups, ...]``: grouped ones keep their groups alike, depthwise ones
    lose groups."""
    source, weight = call.args[0], call.get(1, "weight")
    if not trace.weight(weight):
        give_up(trace, call)
        return
    axis, groups = source.ndim - weight.ndim + 1, int(call.get(6, "groups", 1))
    found = trace.channels(trace.labels(source), axis, _TWO)
    made = trace.axis(weight, 0, produces=True)
    if groups == 1:
        consume(trace, found, trace.axis(weight, 1))
    elif weight.shape[1] == 1:
        consume(trace, np.repeat(found, weight.shape[0] // groups), made)
    else:
        # The same channels of every group, so that all groups stay of one size.
        alike(trace, made, groups)
        consume(trace, found, np.tile(trace.axis(weight, 1), groups))
    produce(trace, call, weight, call.get(2, "bias"), axis)
    positions = call.result.numel() // call.result.shape[axis]
    trace.work.append(Work(id(weight), positions))


def convolve_back(trace: Trace, call: Call) -> None:
    """Transposed convolutions, weight ``[I, O / groups, ...]``, without groups."""
    source, weight = call.args[0], call.get(1, "weight")
    if not trace.weight(weight) or int(call.get(6, "groups", 1)) != 1:
        give_up(trace, call)
        return
    axis = source.ndim - weight.ndim + 1
    consume(trace, trace.channels(trace.labels(source), axis, _TWO), trace.axis(weight, 0))
    produce(trace, call, weight, call.get(2, "bias"), axis, made=1)
    trace.work.append(Work(id(weight), source.numel() // source.shape[axis]))


def norm_each(trace: Trace, call: Call) -> None:
    """Batch and instance norms: every channel by itself."""
    labels = trace.labels(call.args[0])
    found = trace.channels(labels, 1, _TWO)
    for tensor in call.tensors[1:]:
        if trace.weight(tensor):
            consume(trace, found, trace.axis(tensor, 0))
        else:
            trace.units.freeze(found, f"{call.name} takes what is not a weight")
    trace.label(call.result, labels)


def norm_last(trace: Trace, call: Call) -> None:
    """Layer and RMS norms over the last axis: what is left is normalised by itself."""
    source, shape = call.args[0], tuple(call.get(1, "normalized_shape"))
    labels = trace.labels(source)
    own = trace.varying(labels)
    trace.norms.append(labels)
    if len(shape) != 1 and set(own) & set(range(labels.ndim - len(shape), labels.ndim)):
        give_up(trace, call)
        return
    if own in ([labels.ndim - 1], []):
        found = trace.channels(labels, -1, _TWO)
        for tensor in call.tensors[1:]:
            consume(trace, found, trace.axis(tensor, 0))
    trace.label(call.result, labels)


def norm_groups(trace: Trace, call: Call) -> None:
    """Group norms: the same channels of every group."""
    source, groups = call.args[0], int(call.get(1, "num_groups"))
    labels = trace.labels(source)
    trace.norms.append(labels)
    found = trace.channels(labels, 1, _TWO)
    alike(trace, found, groups)
    for tensor in call.tensors[1:]:
        consume(trace, found, trace.axis(tensor, 0))
    trace.label(call.result, labels)


def embed(trace: Trace, call: Call) -> None:
    """Weight ``[tokens, width]``: makes channels on a new last axis; the tokens stay."""
    weight = call.get(1, "weight")
    if not trace.weight(weight):
        give_up(trace, call)
        return
    made = trace.axis(weight, 1, produces=True)
    if len(made) > 1:
        trace.label(call.result, spread(made, tuple(call.result.shape), call.result.ndim - 1))


def gate(trace: Trace, call: Call) -> None:
    """GLU: the first half times the sigmoid of the second."""
    labels = trace.labels(call.args[0])
    axis = int(call.get(1, "dim", -1)) % labels.ndim
    first, second = np.split(labels, 2, axis)
    trace.units.join(first, second, "")
    trace.label(call.result, first)


def consume(trace: Trace, found: Labels, wanted: Labels) -> None:
    """Join what comes in with what a layer takes; what it takes of an input stays."""
    if found.shape != wanted.shape:
        trace.units.freeze(found, _TWO)
        trace.units.freeze(wanted, _TWO)
    else:
        trace.units.join(found, wanted, _FED)


def produce(trace: Trace, call: Call, weight: Tensor, bias: Any, axis: int, made: int = 0) -> None:
    """New channels on ``axis`` of the result, from axis ``made`` of the weight."""
    units = trace.axis(weight, made, produces=True)
    if isinstance(bias, Tensor):
        if trace.weight(bias):
            trace.units.join(units, trace.axis(bias, 0), "")
        else:
            trace.units.freeze(units, "its bias is not a weight")
    # One channel can never be removed, and would hold on to all that it is spread over.
    if len(units) > 1:
        shape = tuple(call.result.shape)
        trace.label(call.result, spread(units, shape, axis % len(shape)))


def alike(trace: Trace, labels: Labels, groups: int) -> None:
    """The same channels of every group stand and fall together."""
    table = labels.reshape(groups, prod(labels.shape) // groups)
    first = np.broadcast_to(table[:1], table.shape)
    trace.units.join(table, first, "")


RULES: dict[str, Rule] = {
    "linear": linear,
    **dict.fromkeys(("conv1d", "conv2d", "conv3d"), convolve),
    **dict.fromkeys(("conv_transpose1d", "conv_transpose2d", "conv_transpose3d"), convolve_back),
    **dict.fromkeys(("batch_norm", "instance_norm"), norm_each),
    **dict.fromkeys(("layer_norm", "rms_norm"), norm_last),
    "group_norm": norm_groups,
    "embedding": embed,
    "glu": gate,
}

"""Operators element by element: operands that meet stand and fall together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from torch import Tensor

from ..trace import Call, Rule, Trace
from ..units import NOTHING, Labels


def meet(trace: Trace, call: Call) -> None:
    """Addition, products, choices: broadcast as the values are."""
    operands = [trace.labels(tensor) for tensor in call.tensors]
    if not any(trace.known(tensor) for tensor in call.tensors):
        # A weight that meets no channels yet: what it is a row of is its last axis.
        operands = [trace.settle(labels, "") for labels in operands]
    trace.label(call.result, together(trace, operands, tuple(call.result.shape), call.name))


def keep(trace: Trace, call: Call) -> None:
    """Activations, casts, copies: the result has the labels of the first operand."""
    source = next((t for t in call.tensors if trace.known(t)), call.tensors[0])
    labels = trace.labels(source)
    if isinstance(call.result, Tensor) and labels.shape == tuple(call.result.shape):
        trace.label(call.result, labels)
    else:
        trace.units.freeze(labels, f"goes through {call.name} in a way not understood")


def prelu(trace: Trace, call: Call) -> None:
    """A slope a channel, or one for all."""
    source, slope = call.args[0], call.get(1, "weight")
    labels = trace.labels(source)
    if slope.numel() > 1 and trace.weight(slope):
        found = trace.channels(labels, 1, "a slope a channel")
        trace.units.join(found, trace.axis(slope, 0), "meets what is not pruned")
    trace.label(call.result, labels)


def together(trace: Trace, operands: Sequence[Labels], shape: tuple[int, ...], name: str) -> Labels:
    """Join what meets in a broadcast; what meets something of full size without labels stays."""
    out = np.zeros(shape, np.int64)
    sizes = [(1,) * (len(shape) - labels.ndim) + labels.shape for labels in operands]
    wide = [np.broadcast_to(labels, shape) for labels in operands]
    for i, a in enumerate(wide):
        for j, b in enumerate(wide[:i]):
            both = (a != NOTHING) & (b != NOTHING)
            trace.units.join(a[both], b[both], "")
            why = f"meets what is not pruned in {name}"
            _alone(trace, a, b, sizes[j], why)
            _alone(trace, b, a, sizes[i], why)
        out = np.where(out == NOTHING, a, out)
    return out


def _alone(trace: Trace, a: Labels, b: Labels, size: tuple[int, ...], why: str) -> None:
    """Freeze what of ``a`` meets nothing in ``b`` although ``b`` has its whole extent there."""
    if any(size[k] > 1 for k in trace.varying(a)):
        trace.units.freeze(a[(a != NOTHING) & (b == NOTHING)], why)


_MEET = (
    "add sub mul div pow maximum minimum where lerp addcmul addcdiv fmod remainder atan2 hypot "
    "eq ne lt le gt ge logical_and logical_or bitwise_and bitwise_or and or masked_fill "
    "true_divide multiply subtract divide rsub"
)
_KEEP = (
    "relu relu6 gelu silu sigmoid tanh hardtanh hardswish hardsigmoid leaky_relu elu selu celu "
    "softplus softsign mish logsigmoid tanhshrink threshold hardshrink softshrink exp expm1 log "
    "log1p log2 sqrt rsqrt abs neg reciprocal square sin cos erf clamp clip clamp_min clamp_max "
    "round floor ceil sign nan_to_num dropout dropout1d dropout2d dropout3d alpha_dropout "
    "feature_dropout feature_alpha_dropout contiguous clone detach to float double half type "
    "type_as cpu zeros_like ones_like full_like rand_like randn_like empty_like positive "
    "logical_not bitwise_not invert requires_grad identity alias"
)

RULES: dict[str, Rule] = {
    **dict.fromkeys(_MEET.split(), meet),
    **dict.fromkeys(_KEEP.split(), keep),
    "attribute data": keep,
    "prelu": prelu,
}

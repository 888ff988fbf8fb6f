"""Operators along an axis: sums, means, softmax, pooling, resizing."""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import Tensor

from ..trace import Call, Rule, Trace
from ..units import Labels
from .elementwise import meet


def reduce(trace: Trace, call: Call) -> None:
    """One value for an axis, which must not be the labels' own."""
    if isinstance(call.get(1, "other"), Tensor):
        # max(a, b) of two tensors
        meet(trace, call)
        return
    labels = trace.labels(call.args[0])
    axes = _axes(call, labels.ndim)
    if set(axes) & set(trace.varying(labels)):
        # Frozen only if somebody looks at the result: averaged attention often goes unused.
        for result in call.result if isinstance(call.result, tuple) else (call.result,):
            trace.bind(result, labels, f"{call.name} is taken over the channels")
        return
    place: list[Any] = [0 if k in axes else slice(None) for k in range(labels.ndim)]
    for result in call.result if isinstance(call.result, tuple) else (call.result,):
        trace.label(result, labels[tuple(place)].reshape(tuple(result.shape)))


def along(trace: Trace, call: Call) -> None:
    """Softmax and running sums: every value of an axis sees the others of it."""
    labels = trace.labels(call.args[0])
    axis = call.get(1, "dim")
    own = trace.varying(labels)
    if own and (axis is None or axis % labels.ndim in own):
        trace.units.freeze(labels, f"{call.name} runs over the channels")
        return
    for result in call.result if isinstance(call.result, tuple) else (call.result,):
        trace.label(result, labels)


def spatial(trace: Trace, call: Call) -> None:
    """Pooling and resizing: each channel by itself, to other sizes."""
    results = call.result if isinstance(call.result, tuple) else (call.result,)
    first = results[0]
    axes = next((int(c) for c in call.name if c.isdigit()), first.ndim - 2)
    labels = trace.labels(call.args[0])
    axis = first.ndim - axes - 1
    found = trace.channels(labels, axis, f"{call.name} runs over the channels")
    for result in results:
        trace.label(result, spread(found, tuple(result.shape), axis))


def spread(vector: Labels, shape: tuple[int, ...], axis: int) -> Labels:
    """A vector of labels along ``axis``, the same everywhere else."""
    view = [1] * len(shape)
    view[axis] = -1
    return np.broadcast_to(vector.reshape(view), shape)


def _axes(call: Call, ndim: int) -> tuple[int, ...]:
    place = 2 if call.name == "norm" else 1
    given = call.get(place, "dim", call.kwargs.get("axis"))
    if given is None or isinstance(given, bool):
        return tuple(range(ndim))
    many = given if isinstance(given, (tuple, list)) else (given,)
    return tuple(int(k) % ndim for k in many) or tuple(range(ndim))


_REDUCE = (
    "mean sum amax amin max min prod std var var_mean std_mean norm all any median logsumexp "
    "argmax argmin nanmean nansum"
)
_SPATIAL = (
    "max_pool1d max_pool2d max_pool3d avg_pool1d avg_pool2d avg_pool3d adaptive_avg_pool1d "
    "adaptive_avg_pool2d adaptive_avg_pool3d adaptive_max_pool1d adaptive_max_pool2d "
    "adaptive_max_pool3d lp_pool1d lp_pool2d interpolate upsample upsample_nearest2d "
    "upsample_bilinear2d max_pool2d_with_indices"
)

RULES: dict[str, Rule] = {
    **dict.fromkeys(_REDUCE.split(), reduce),
    **dict.fromkeys(("softmax", "log_softmax", "softmin", "cumsum", "cumprod"), along),
    **dict.fromkeys(_SPATIAL.split(), spatial),
}

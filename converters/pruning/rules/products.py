"""Products of two activations: matrix products, attention, einsum."""

from __future__ import annotations

import string
from collections.abc import Sequence
from typing import Any

import numpy as np
from torch import Tensor

from ..trace import Call, Rule, Trace, Work, give_up
from ..units import Labels
from .layers import consume
from .reductions import spread

_SUM = "is summed against what is not pruned"


def matmul(trace: Trace, call: Call) -> None:
    """``[..., M, K] @ [..., K, N]``, and vectors; a weight on the right is a linear layer."""
    a, b = call.args[0], call.get(1, "other", call.kwargs.get("mat2"))
    if trace.weight(b) and b.ndim == 2 and not trace.weight(a):
        _right(trace, call, a, b)
        return
    if a.ndim < 2 or b.ndim < 2:
        give_up(trace, call)
        return
    batch = string.ascii_lowercase[: call.result.ndim - 2]
    left = batch[len(batch) - a.ndim + 2 :] + "YK"
    right = batch[len(batch) - b.ndim + 2 :] + "KZ"
    _product(trace, call.result, (a, b), (left, right), batch + "YZ")
    trace.products += call.result.numel() * a.shape[-1]


def attend(trace: Trace, call: Call) -> None:
    """Scaled dot-product attention; heads are pruned whole, as the scale knows their width."""
    query, key, value = (call.get(i, n) for i, n in enumerate(("query", "key", "value")))
    labels = [trace.labels(t) for t in (query, key)]
    for found in labels:
        if set(trace.varying(found)) & {found.ndim - 1, found.ndim - 2}:
            trace.units.freeze(found, "only whole heads of attention are pruned")
    batch = string.ascii_lowercase[: query.ndim - 2]
    letters = (batch + "YK", batch + "XK", batch + "XZ")
    mask = call.get(3, "attn_mask")
    _product(trace, call.result, (query, key, value), letters, batch + "YZ")
    if isinstance(mask, Tensor) and trace.known(mask):
        trace.units.freeze(trace.labels(mask), "masks attention")
    trace.products += query.numel() * key.shape[-2] + call.result.numel() * key.shape[-2]


def einsum(trace: Trace, call: Call) -> None:
    """Products written with letters; a weight in them is not understood."""
    equation = call.args[0]
    operands: Sequence[Any] = call.args[1:]
    if len(operands) == 1 and isinstance(operands[0], (tuple, list)):
        operands = operands[0]
    if not isinstance(equation, str) or "." in equation or any(map(trace.weight, operands)):
        give_up(trace, call)
        return
    given, _, out = equation.replace(" ", "").partition("->")
    if not out or any(len(set(part)) < len(part) for part in given.split(",")):
        give_up(trace, call)
        return
    _product(trace, call.result, operands, given.split(","), out)
    sizes = {c: n for t, cs in zip(operands, given.split(","), strict=True)
             for c, n in zip(cs, t.shape, strict=True)}  # fmt: skip
    trace.products += int(np.prod(list(sizes.values())))


def _product(
    trace: Trace,
    result: Tensor,
    operands: Sequence[Tensor],
    letters: Sequence[str],
    out: str,
) -> None:
    """Operands with a letter for each axis: what shares a letter stands and falls together."""
    vectors: dict[str, Labels] = {}
    holders: dict[str, list[Labels]] = {}
    for tensor, axes in zip(operands, letters, strict=True):
        labels = trace.labels(tensor)
        own = trace.varying(labels)
        for axis, letter in enumerate(axes):
            if labels.shape[axis] > 1 or letter not in out:
                found = np.zeros(labels.shape[axis], np.int64)
                if not own or own == [axis]:
                    found = trace.channels(labels, axis, _SUM) if own else found
                holders.setdefault(letter, []).append(found)
        if not own and labels.any():
            trace.units.freeze(labels, _SUM)
    for letter, found_by in holders.items():
        vectors[letter] = found_by[0]
        for other in found_by[1:]:
            if other.shape != found_by[0].shape:
                trace.units.freeze(other, _SUM)
                trace.units.freeze(found_by[0], _SUM)
                continue
            trace.units.join(other, found_by[0], _SUM)
            vectors[letter] = np.where(vectors[letter] == 0, other, vectors[letter])
        if len(found_by) == 1 and letter not in out:
            trace.units.freeze(found_by[0], _SUM)
    shape = tuple(result.shape)
    moving = [letter for letter in out if letter in vectors and vectors[letter].any()]
    if len(moving) > 1:
        for letter in moving:
            trace.units.freeze(vectors[letter], "two axes of a product have channels")
    elif moving:
        axis = out.index(moving[0])
        if shape[axis] == len(vectors[moving[0]]):
            trace.label(result, spread(vectors[moving[0]], shape, axis))
        else:
            trace.units.freeze(vectors[moving[0]], _SUM)


def _right(trace: Trace, call: Call, a: Tensor, weight: Tensor) -> None:
    """``x @ weight``, weight ``[I, O]``."""
    found = trace.channels(trace.labels(a), -1, _SUM)
    consume(trace, found, trace.axis(weight, 0))
    made = trace.axis(weight, 1, produces=True)
    if len(made) > 1:
        shape = tuple(call.result.shape)
        trace.label(call.result, spread(made, shape, len(shape) - 1))
    trace.work.append(Work(id(weight), call.result.numel() // weight.shape[1]))


RULES: dict[str, Rule] = {
    **dict.fromkeys(("matmul", "bmm", "mm"), matmul),
    "scaled_dot_product_attention": attend,
    "einsum": einsum,
}

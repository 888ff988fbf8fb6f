"""Operators that only move elements: they are run on the labels as they were on the values."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..trace import Call, Rule, Trace, as_labels, give_up

_WHY = "is reshaped in a way that needs all of it"


def _moved(trace: Trace, call: Call) -> Any:
    """The call's function on the labels of its tensors."""

    def swap(value: Any) -> Any:
        if isinstance(value, Tensor):
            # Never an index: a call with a tensor among the indices is not understood.
            return torch.from_numpy(trace.labels(value).copy())
        if isinstance(value, (tuple, list)):
            return type(value)(swap(v) for v in value)
        return value

    kwargs = {name: swap(value) for name, value in call.kwargs.items()}
    return call.function(*(swap(value) for value in call.args), **kwargs)


def move(trace: Trace, call: Call) -> None:
    """Permute, squeeze, expand and their like; several results where the operator gives them."""
    moved = _moved(trace, call)
    if isinstance(moved, Tensor):
        trace.label(call.result, trace.settle(as_labels(moved), _WHY))
        return
    for tensor, labels in zip(call.result, moved, strict=True):
        trace.label(tensor, trace.settle(as_labels(labels), _WHY))


def reshape(trace: Trace, call: Call) -> None:
    """A split axis is removed along the axis whose size was left open (-1), else the last."""
    labels = as_labels(_moved(trace, call))
    trace.label(call.result, trace.settle(labels, _WHY, _open_axis(call)))


def index(trace: Trace, call: Call) -> None:
    """Slices, numbers and tensors of places, along other axes than the labels' own."""
    source, *places = call.args
    if any(trace.known(t) for t in call.tensors if t is not source):
        give_up(trace, call)
        return
    labels = trace.labels(source)
    moved = as_labels(torch.from_numpy(labels.copy())[places[0]])
    picked = any(isinstance(e, (Tensor, list, int)) for e in _entries(places[0]))
    roots = trace.units.roots
    if picked and not np.array_equal(np.unique(roots(moved)), np.unique(roots(labels))):
        trace.units.freeze(labels, "single channels are picked out by number")
    trace.label(call.result, trace.settle(moved, _WHY))


def _entries(place: Any) -> tuple[Any, ...]:
    return place if isinstance(place, tuple) else (place,)


def divide(trace: Trace, call: Call) -> None:
    """Chunks and splits: along the labels' own axis, the pieces stay alike."""
    source = call.args[0]
    labels = trace.labels(source)
    axis = int(call.get(2, "dim", 0)) % labels.ndim
    pieces = [as_labels(piece) for piece in _moved(trace, call)]
    if axis in trace.varying(labels):
        for piece in pieces[1:]:
            if piece.shape == pieces[0].shape:
                trace.units.join(pieces[0], piece, "is cut into pieces that must stay alike")
            else:
                trace.units.freeze(labels, "is cut into pieces of fixed sizes")
    for tensor, piece in zip(call.result, pieces, strict=True):
        trace.label(tensor, piece)


def take(trace: Trace, call: Call) -> None:
    """Select and unbind: one index of an axis, which must not be the labels' own."""
    labels = trace.labels(call.args[0])
    axis = int(call.get(1, "dim", 0)) % labels.ndim
    if axis in trace.varying(labels):
        trace.units.freeze(labels, "single channels are picked out by number")
    move(trace, call)


def pad(trace: Trace, call: Call) -> None:
    """Padding along other axes than the labels' own belongs to the channel it pads."""
    source, amounts = call.args[0], list(call.get(1, "pad"))
    labels = trace.labels(source)
    for i in range(len(amounts) // 2):
        axis, low, high = labels.ndim - 1 - i, amounts[2 * i], amounts[2 * i + 1]
        if not (low or high):
            continue
        if axis in trace.varying(labels):
            trace.units.freeze(labels, "channels are padded")
        place = np.clip(np.arange(-low, labels.shape[axis] + high), 0, labels.shape[axis] - 1)
        labels = np.take(labels, place, axis)
    trace.label(call.result, labels)


def roll(trace: Trace, call: Call) -> None:
    """Roll, flip: good where the labels' own axis stays."""
    labels = trace.labels(call.args[0])
    moved = as_labels(_moved(trace, call))
    if not np.array_equal(trace.units.roots(moved), trace.units.roots(labels)):
        trace.units.freeze(labels, f"goes through {call.name} along its channels")
    trace.label(call.result, moved)


def _open_axis(call: Call) -> int | None:
    sizes = call.args[1] if len(call.args) == 2 else call.args[1:]
    if call.name == "unflatten":
        axis, inner = call.get(1, "dim"), list(call.get(2, "sizes"))
        start = axis % call.args[0].ndim
        return start + inner.index(-1) if -1 in inner else None
    if not isinstance(sizes, (tuple, list, torch.Size)) or -1 not in sizes:
        return None
    return list(sizes).index(-1)


_MOVES = (
    "permute transpose swapaxes swapdims movedim moveaxis t adjoint squeeze unsqueeze expand "
    "expand_as cat concat concatenate stack hstack vstack dstack repeat broadcast_to narrow "
    "atleast_2d repeat_interleave tile ravel"
)

RULES: dict[str, Rule] = {
    **dict.fromkeys(_MOVES.split(), move),
    "attribute T": move,
    "attribute mT": move,
    **dict.fromkeys(("reshape", "view", "flatten", "unflatten", "view_as", "reshape_as"), reshape),
    "getitem": index,
    **dict.fromkeys(("chunk", "split", "tensor_split", "split_with_sizes"), divide),
    **dict.fromkeys(("select", "unbind"), take),
    "pad": pad,
    **dict.fromkeys(("roll", "flip"), roll),
}

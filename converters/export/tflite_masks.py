"""Masks made of integers as masks made of floats.

What a module computes from ``lengths`` is counting and comparing. TFLite has that, but its fast
kernels do not: one comparison would cut the graph in two. Lengths are small whole numbers, which
float32 holds exactly, so the same can be said with differences that are clamped to 0 and 1.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.fx import Graph, GraphModule, Node

_ATEN = torch.ops.aten
_ARITHMETIC = {_ATEN.add.Tensor, _ATEN.sub.Tensor, _ATEN.mul.Tensor}
_VIEWS = {
    _ATEN.reshape.default,
    _ATEN.slice.Tensor,
    _ATEN.squeeze.dim,
    _ATEN.unsqueeze.default,
    _ATEN.view.default,
}
# Comparisons of whole numbers: whether the second operand is the larger one, and what is added to
# the difference so that it is at least 1 where the comparison holds.
_COMPARISONS = {
    _ATEN.lt.Tensor: (True, 0),
    _ATEN.gt.Tensor: (False, 0),
    _ATEN.le.Tensor: (True, 1),
    _ATEN.ge.Tensor: (False, 1),
}
# Added to the scores that attention is not to see; e to its power is 0.
_HIDDEN = 1e9


def with_float_masks(module: GraphModule) -> GraphModule:
    """Rewrite ``module`` in place: what comes of its last input, a length told as float32.

    What is not known here stays as it is, and so do the integers that it needs.
    """
    length = [node for node in module.graph.nodes if node.op == "placeholder"][-1]
    rewriter = _Rewriter(module.graph, length)
    for node in list(module.graph.nodes):
        if node.op == "call_function":
            with module.graph.inserting_before(node):
                rewriter.visit(node)
    module.graph.eliminate_dead_code()
    module.recompile()
    return module


class _Rewriter:
    """Knows the float form of every integer (``numbers``) and of every mask (``masks``)."""

    def __init__(self, graph: Graph, length: Node) -> None:
        self._graph, self._length = graph, length
        self._numbers: dict[Node, Node] = {}
        self._masks: dict[Node, Node] = {}

    def visit(self, node: Node) -> None:
        number = self._number(node)
        if number is not None:
            self._numbers[node] = number
            return
        mask = self._mask(node)
        if mask is not None:
            self._masks[node] = mask
            return
        value = self._value(node)
        if value is not None:
            value.meta = dict(node.meta)
            node.replace_all_uses_with(value)
            self._graph.erase_node(node)  # attention may drop out at random: it is never "dead"

    def _number(self, node: Node) -> Node | None:
        target: Any = node.target
        args = node.args
        if target is _ATEN.arange.default and _is_integer(node):
            return self._call(target, *args, dtype=torch.float32)
        if not args or not isinstance(args[0], Node):
            return None
        first = args[0]
        if target is _ATEN.to.dtype and first is self._length:
            return first
        if first not in self._numbers:
            return None
        known = self._numbers[first]
        if target in _VIEWS:
            return self._call(target, known, *args[1:])
        if target is _ATEN.expand.default:
            return known  # whoever uses it lets it spread by itself
        if target in _ARITHMETIC and not node.kwargs:
            second = args[1]
            if isinstance(second, Node):
                if second not in self._numbers:
                    return None
                second = self._numbers[second]
            return self._call(target, known, second)
        if target is _ATEN.floor_divide.default and isinstance(args[1], int):
            # a power of two divides exactly; another quotient is never rounded up to a whole number
            return self._call(_ATEN.floor.default, self._call(_ATEN.div.Tensor, known, args[1]))
        return None

    def _mask(self, node: Node) -> Node | None:
        target: Any = node.target
        args = node.args
        if target in _COMPARISONS and all(a in self._numbers for a in args):
            left, right = (self._numbers[a] for a in args)  # type: ignore[index]
            second_larger, more = _COMPARISONS[target]
            low, high = (left, right) if second_larger else (right, left)
            margin = self._call(_ATEN.sub.Tensor, high, low)
            if more:
                margin = self._call(_ATEN.add.Tensor, margin, more)
            return self._unit(margin)
        if target in _VIEWS and args and args[0] in self._masks:
            return self._call(target, self._masks[args[0]], *args[1:])  # type: ignore[index]
        return None

    def _value(self, node: Node) -> Node | None:
        """The float form of a node that brings masks or numbers together with values."""
        target: Any = node.target
        args = node.args
        if target is _ATEN.where.self and args[0] in self._masks:
            mask, shown, hidden = self._masks[args[0]], args[1], args[2]  # type: ignore[index]
            kept = self._call(_ATEN.mul.Tensor, shown, mask)
            if isinstance(hidden, Node) and hidden.target is _ATEN.zeros_like.default:
                return kept
            rest = self._call(_ATEN.mul.Tensor, hidden, self._call(_ATEN.rsub.Scalar, mask, 1.0))
            return self._call(_ATEN.add.Tensor, kept, rest)
        if target is _ATEN.mul.Tensor and args[1] in self._masks:
            return self._call(target, args[0], self._masks[args[1]])  # type: ignore[index]
        if target is _ATEN.div.Tensor and args[1] in self._numbers:
            return self._call(target, args[0], self._numbers[args[1]])  # type: ignore[index]
        if target is _ATEN.gather.default and args[2] in self._numbers:
            return self._gather(args[0], args[1], args[2])
        if target is _ATEN.scaled_dot_product_attention.default:
            return self._attention(node)
        return None

    def _gather(self, values: Any, axis: Any, place: Any) -> Node | None:
        """One step of ``values`` ``[N, T, C]`` as the sum over all steps, weighted 1 and 0."""
        shape = _shape(values)
        if axis != 1 or len(shape) != 3 or _shape(place)[1:2] != (1,):
            return None
        steps = self._call(_ATEN.arange.default, shape[1], dtype=torch.float32)
        steps = self._call(_ATEN.view.default, steps, [1, shape[1], 1])
        away = self._call(
            _ATEN.abs.default, self._call(_ATEN.sub.Tensor, steps, self._numbers[place])
        )
        weights = self._unit(self._call(_ATEN.rsub.Scalar, away, 1.0))
        picked = self._call(_ATEN.mul.Tensor, values, weights)
        return self._call(_ATEN.sum.dim_IntList, picked, [1], True)

    def _attention(self, node: Node) -> Node | None:
        seen = node.args[3] if len(node.args) > 3 else node.kwargs.get("attn_mask")
        if seen not in self._masks:
            return None
        hidden = self._call(_ATEN.sub.Tensor, self._masks[seen], 1.0)  # type: ignore[index]
        added = self._call(_ATEN.mul.Tensor, hidden, _HIDDEN)
        if len(node.args) > 3:
            return self._call(node.target, *node.args[:3], added, *node.args[4:], **node.kwargs)
        return self._call(node.target, *node.args, **{**node.kwargs, "attn_mask": added})

    def _unit(self, whole: Node) -> Node:
        """A whole number clamped to 0 and 1, without the clamp that fast kernels do not have."""
        above = self._call(_ATEN.relu.default, self._call(_ATEN.sub.Tensor, whole, 1.0))
        return self._call(_ATEN.sub.Tensor, self._call(_ATEN.relu.default, whole), above)

    def _call(self, target: Any, *args: Any, **kwargs: Any) -> Node:
        made: Node = self._graph.call_function(target, args, kwargs)
        return made


def _is_integer(node: Node) -> bool:
    value = node.meta.get("val")
    return isinstance(value, torch.Tensor) and value.dtype in (torch.int64, torch.int32)


def _shape(node: Any) -> tuple[int, ...]:
    value = node.meta.get("val")
    return () if value is None else tuple(value.shape)

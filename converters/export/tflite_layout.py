"""Convolutions over time as convolutions over pictures of height 1.

TFLite has two-dimensional convolutions only, and the converter turns each one-dimensional one with
a transpose before and after it. In two dimensions it keeps its own layout over the whole chain.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.fx import GraphModule, Node

_ATEN = torch.ops.aten
# Of one operand, and the same in any number of dimensions.
_POINTWISE = {
    _ATEN.batch_norm.default,
    _ATEN.clamp.default,
    _ATEN.dropout.default,
    _ATEN.elu.default,
    _ATEN.gelu.default,
    _ATEN.hardswish.default,
    _ATEN.hardtanh.default,
    _ATEN.leaky_relu.default,
    _ATEN.relu.default,
    _ATEN.relu6.default,
    _ATEN.sigmoid.default,
    _ATEN.silu.default,
    _ATEN.tanh.default,
}
_TWO_OPERANDS = {_ATEN.add.Tensor, _ATEN.mul.Tensor, _ATEN.sub.Tensor}
_HEIGHT = 2


def with_flat_convolutions(module: GraphModule) -> GraphModule:
    """Rewrite ``module`` in place: each ``conv1d`` on ``[N, C, T]`` becomes a ``conv2d`` on
    ``[N, C, 1, T]``, and what stands between two of them works in four dimensions as well."""
    graph = module.graph
    # from a node of three dimensions to the same value in four
    flat: dict[Node, Node] = {}
    for node in list(graph.nodes):
        if node.op != "call_function":
            continue
        with graph.inserting_before(node):
            made = _flat_form(graph, node, flat)
            if made is None:
                continue
            back = graph.call_function(_ATEN.squeeze.dim, (made, _HEIGHT))
        back.meta = dict(node.meta)
        flat[back] = made
        node.replace_all_uses_with(back)
        graph.erase_node(node)
    graph.eliminate_dead_code()
    module.recompile()
    return module


def _flat_form(graph: Any, node: Node, flat: dict[Node, Node]) -> Node | None:
    """The node in four dimensions; None where it stays as it is."""
    target: Any = node.target
    if target is _ATEN.conv1d.default:
        return _convolution(graph, node, flat)
    first = node.args[0] if node.args else None
    if not isinstance(first, Node) or first not in flat:
        return None
    rest = node.args[1:]
    if target in _TWO_OPERANDS:
        second = rest[0]
        if not isinstance(second, Node) or second not in flat or _shape(second) != _shape(first):
            return None
        rest = (flat[second], *rest[1:])
    elif target is _ATEN.pad.default:
        widths: Any = rest[0]
        # only of the time axis; a reflecting pad is bound to its number of dimensions
        if len(widths) != 2 or (len(rest) > 1 and rest[1] != "constant"):
            return None
    elif target not in _POINTWISE:
        return None
    made: Node = graph.call_function(target, (flat[first], *rest), node.kwargs)
    return made


def _convolution(graph: Any, node: Node, flat: dict[Node, Node]) -> Node | None:
    names = ("x", "w", "b", "stride", "padding", "dilation", "groups")
    given = dict(zip(names, node.args, strict=False))
    x, w = given["x"], given["w"]
    assert isinstance(x, Node)
    if len(_shape(x)) != 3:
        return None
    made: Node = graph.call_function(
        _ATEN.conv2d.default,
        (
            flat.get(x) or graph.call_function(_ATEN.unsqueeze.default, (x, _HEIGHT)),
            graph.call_function(_ATEN.unsqueeze.default, (w, _HEIGHT)),
            given.get("b"),
            [1, *_list(given.get("stride", 1))],
            [0, *_list(given.get("padding", 0))],
            [1, *_list(given.get("dilation", 1))],
            given.get("groups", 1),
        ),
    )
    return made


def _list(value: Any) -> list[int]:
    return list(value) if isinstance(value, (list, tuple)) else [int(value)]


def _shape(node: Node) -> tuple[int, ...]:
    value = node.meta.get("val")
    return () if value is None else tuple(value.shape)

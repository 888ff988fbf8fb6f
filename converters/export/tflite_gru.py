"""GRUs unrolled by hand: a quarter fewer nodes a step than the converter's own unrolling."""

from __future__ import annotations

import operator
from typing import Any

import torch
from torch.fx import Graph, GraphModule, Node

_ATEN = torch.ops.aten


def with_unrolled_grus(module: GraphModule) -> GraphModule:
    """Rewrite ``module`` in place: each GRU over one sequence, of which the outputs alone are
    used, becomes its steps. Any other is left to the converter."""
    graph = module.graph
    for node in list(graph.nodes):
        if node.op == "call_function" and node.target is _ATEN.gru.input:
            with graph.inserting_before(node):
                steps = _unrolled(graph, node)
            if steps is None:
                continue
            for user in list(node.users):
                user.replace_all_uses_with(steps)
                graph.erase_node(user)
            graph.erase_node(node)
    graph.eliminate_dead_code()
    module.recompile()
    return module


def _unrolled(graph: Graph, node: Node) -> Node | None:
    x, state, weights, biased, layers, _, training, both, batch_first = node.args
    assert isinstance(x, Node)
    assert isinstance(state, Node)
    assert isinstance(weights, (list, tuple))
    shape = _shape(x)
    if len(shape) != 3 or not batch_first:
        return None
    batch, steps = shape[:2]
    outputs_alone = all(u.target is operator.getitem and u.args[1] == 0 for u in node.users)
    if batch != 1 or not biased or training or not outputs_alone:
        return None
    call = _caller(graph)
    directions = 2 if both else 1
    rows = call(_ATEN.squeeze.dim, x, 0)
    for layer in range(int(layers)):  # type: ignore[arg-type]
        ways = []
        for way in range(directions):
            number = layer * directions + way
            parameters = weights[4 * number : 4 * number + 4]
            first = call(_ATEN.select.int, state, 0, number)
            order = range(steps - 1, -1, -1) if way else range(steps)
            found = _one_way(call, rows, first, parameters, order)
            ways.append(call(_ATEN.cat.default, [found[t] for t in range(steps)], 0))
        rows = call(_ATEN.cat.default, ways, 1) if both else ways[0]
    made: Node = call(_ATEN.unsqueeze.default, rows, 0)
    return made


def _one_way(call: Any, rows: Node, state: Node, parameters: Any, order: range) -> dict[int, Node]:
    """The state ``[1, H]`` after each step, by the number of its row ``[1, I]``."""
    into, again, bias_into, bias_again = parameters
    width = _shape(again)[1]

    def part(of: Node, first: int, last: int) -> Any:
        return call(_ATEN.slice.Tensor, of, 1, first * width, last * width)

    def row(of: Node, number: int) -> Any:
        return call(_ATEN.slice.Tensor, of, 0, number, number + 1)

    given = call(_ATEN.linear.default, rows, into, bias_into)
    given_both, given_new = part(given, 0, 2), part(given, 2, 3)
    found = {}
    for t in order:
        own = call(_ATEN.linear.default, state, again, bias_again)
        both = call(_ATEN.add.Tensor, row(given_both, t), part(own, 0, 2))
        both = call(_ATEN.sigmoid.default, both)
        reset, update = part(both, 0, 1), part(both, 1, 2)
        kept = call(_ATEN.mul.Tensor, reset, part(own, 2, 3))
        new = call(_ATEN.tanh.default, call(_ATEN.add.Tensor, row(given_new, t), kept))
        change = call(_ATEN.mul.Tensor, update, call(_ATEN.sub.Tensor, state, new))
        state = call(_ATEN.add.Tensor, new, change)
        found[t] = state
    return found


def _caller(graph: Graph) -> Any:
    def call(target: Any, *args: Any) -> Node:
        made: Node = graph.call_function(target, args)
        return made

    return call


def _shape(node: Any) -> tuple[int, ...]:
    value = node.meta.get("val")
    return () if value is None else tuple(value.shape)

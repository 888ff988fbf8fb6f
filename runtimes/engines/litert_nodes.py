"""The nodes of a TFLite graph: in the delegate, or in the interpreter's own kernels."""

from __future__ import annotations

from typing import Any

import numpy as np

from .placement import Node

_DELEGATE = "DELEGATE"


def is_delegated(interpreter: Any) -> bool | None:
    """Whether a delegate took any node; None if the interpreter does not tell.

    Delegates put their node behind the graph's own: one look at the last is enough.
    """
    try:
        native = interpreter._interpreter
        count = native.NumNodes()
        return bool(count) and native.NodeName(count - 1) == _DELEGATE
    except AttributeError:
        return None


def nodes_of(interpreter: Any, delegate: str, own: str) -> list[Node] | None:
    """The nodes of an interpreter with allocated tensors; None if it does not tell.

    The interpreter lists the graph's nodes and, behind them, one node for each partition that a
    delegate took over. A node belongs to a partition when the partition's outputs depend on it
    and its inputs do not.

    Args:
        interpreter: the interpreter.
        delegate: the delegate's name.
        own: what to call the interpreter's own kernels.
    """
    try:
        listed = interpreter._get_ops_details()
    except AttributeError:
        return None
    graph = [node for node in listed if node["op_name"] != _DELEGATE]
    taken = _taken(listed, graph)
    return [
        Node(
            delegate if node["index"] in taken else own,
            node["op_name"],
            frozenset(np.dtype(dtype).name for dtype in node["operand_types"]),
        )
        for node in graph
    ]


def _taken(listed: list[Any], graph: list[Any]) -> set[int]:
    """The indices of the nodes that a delegate took over."""
    makers = {int(tensor): node for node in graph for tensor in node["outputs"]}
    taken: set[int] = set()
    for partition in listed:
        if partition["op_name"] != _DELEGATE:
            continue
        given = {int(tensor) for tensor in partition["inputs"]}
        wanted = [int(tensor) for tensor in partition["outputs"]]
        while wanted:
            tensor = wanted.pop()
            node = makers.get(tensor)
            if tensor in given or node is None or node["index"] in taken:
                continue
            taken.add(node["index"])
            wanted.extend(int(source) for source in node["inputs"])
    return taken

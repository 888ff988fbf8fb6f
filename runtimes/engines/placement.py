"""Where the nodes of a TFLite graph run: in the delegate, or in the interpreter's own kernels."""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec

_DELEGATE = "DELEGATE"


class Placement(msgspec.Struct, frozen=True, kw_only=True):
    """How many nodes of a graph a delegate took, and which it left, by operator."""

    delegated: int
    elsewhere: dict[str, int]


def placement_of(interpreter: Any) -> Placement | None:
    """Where the nodes of an interpreter with allocated tensors run; None if it does not tell.

    The interpreter lists the graph's nodes and, behind them, one node for each partition that a
    delegate took over. A node belongs to a partition when the partition's outputs depend on it
    and its inputs do not.
    """
    try:
        nodes = interpreter._get_ops_details()
    except AttributeError:
        return None
    own = [node for node in nodes if node["op_name"] != _DELEGATE]
    makers = {int(tensor): node for node in own for tensor in node["outputs"]}
    taken: set[int] = set()
    for partition in nodes:
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
    left = Counter(node["op_name"] for node in own if node["index"] not in taken)
    return Placement(delegated=len(taken), elsewhere=dict(sorted(left.items())))

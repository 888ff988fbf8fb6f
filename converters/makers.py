"""Which node of a graph makes a value."""

from __future__ import annotations

from collections.abc import Iterable

import onnx


def makers_of(nodes: Iterable[onnx.NodeProto]) -> dict[str, onnx.NodeProto]:
    """The node behind each value that ``nodes`` make, by its name.

    An output that nobody wants has no name, as an input that is not given has none: these are not
    one value.
    """
    return {output: node for node in nodes for output in node.output if output}

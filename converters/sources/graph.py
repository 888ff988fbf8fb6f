"""The steps of :class:`~edge_sdk.converters.wants.Want` as nodes in front of an ONNX graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from ..wants import Want

_DTYPES = {
    "float32": onnx.TensorProto.FLOAT,
    "int64": onnx.TensorProto.INT64,
    "int32": onnx.TensorProto.INT32,
}


def adapt_graph(graph: onnx.ModelProto, wants: Sequence[Want]) -> onnx.ModelProto:
    """A copy that takes the front-end's features, called by modality, in the order of ``wants``.

    ``wants[i]`` is of the graph's input ``wants[i].name``.
    """
    copy = onnx.ModelProto()
    copy.CopyFrom(graph)
    nodes: list[onnx.NodeProto] = []
    inputs = []
    for want in wants:
        steps = _Steps(want, copy.graph)
        nodes += steps.nodes
        shape = [want.axis if size is None else size for size in want.shape]
        dtype = "int64" if want.modality == "text" else "float32"
        inputs.append(helper.make_tensor_value_info(want.modality, _DTYPES[dtype], shape))
    # Shapes inside may be of other lengths than the ones that are fed now.
    del copy.graph.input[:], copy.graph.value_info[:]
    copy.graph.input.extend(inputs)
    rest = list(copy.graph.node)
    del copy.graph.node[:]
    copy.graph.node.extend([*nodes, *rest])
    taken = set()
    for number, node in enumerate(copy.graph.node):
        # What counts multiply-accumulates goes by name, and so do layers.
        if not node.name or node.name in taken:
            node.name = f"{number}_{node.op_type}"
        taken.add(node.name)
    return copy


class _Steps:
    """The nodes from ``want.modality`` to ``want.name``."""

    def __init__(self, want: Want, graph: onnx.GraphProto) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self._graph, self._prefix = graph, f"edge_sdk_{want.name}"
        self._last: str = want.modality
        if want.table:
            table = self._constant(np.array(want.table, np.int64))
            self._add("Gather", [table, self._last], axis=0)
        if want.before or want.after:
            ids = [self._constant(np.array([i], np.int64)) for i in (want.before, want.after)]
            self._add("Concat", [ids[0], self._last, ids[1]], axis=1)
        if want.length is not None:
            self._fit(want, want.length)
        if want.dropped:
            self._add("Squeeze", [self._last, self._constant(np.array(want.dropped, np.int64))])
        if want.order != tuple(range(len(want.order))):
            self._add("Transpose", [self._last], perm=list(want.order))
        if want.ones:
            self._add("Unsqueeze", [self._last, self._constant(np.array(want.ones, np.int64))])
        if want.dtype == "int32":
            self._add("Cast", [self._last], to=onnx.TensorProto.INT32)
        if not self.nodes:
            self._add("Identity", [self._last])
        self.nodes[-1].output[0] = want.name

    def _fit(self, want: Want, length: int) -> None:
        shape = [1, length, *(1 if size is None else size for size in want.shape[2:])]
        dtype: Any = np.int64 if want.modality == "text" else np.float32
        filler = self._constant(np.full(shape, want.pad, dtype))
        first = want.keep == "first"
        self._add("Concat", [self._last, filler] if first else [filler, self._last], axis=1)
        ends = (0, length) if first else (-length, np.iinfo(np.int64).max)
        bounds = [self._constant(np.array([end], np.int64)) for end in (*ends, 1)]
        self._add("Slice", [self._last, *bounds])

    def _add(self, kind: str, inputs: list[str], **attributes: Any) -> None:
        self._last = f"{self._prefix}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [self._last], **attributes))

    def _constant(self, value: np.ndarray) -> str:
        name = f"{self._prefix}_c{len(self._graph.initializer)}"
        self._graph.initializer.append(numpy_helper.from_array(value, name))
        return name

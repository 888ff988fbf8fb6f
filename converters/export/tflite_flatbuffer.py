"""TFLite files taken apart and put together: names, description, what stayed float."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from edge_sdk.bundle.manifest import FloatShare
from edge_sdk.bundle.tflite_note import NOTE, TfliteNote, encode_note

from .tflite_tools import flatbuffer_tools, tflite_schema

# Operators with weights and products: the place of the weights among an operator's inputs, or of
# the second factor where both are computed.
COMPUTE = {
    "CONV_2D": 1,
    "DEPTHWISE_CONV_2D": 1,
    "TRANSPOSE_CONV": 1,
    "CONV_3D": 1,
    "FULLY_CONNECTED": 1,
    "BATCH_MATMUL": 1,
}
_EMBEDDING = {"EMBEDDING_LOOKUP": 1, "GATHER": 0}
_ALIGNMENT = 16


class Graph:
    """A TFLite file as objects, with the one subgraph that our exports have."""

    def __init__(self, content: bytes) -> None:
        self.model = flatbuffer_tools().read_model_from_bytearray(bytearray(content))
        self.main = self.model.subgraphs[0]
        self.tensors: Sequence[Any] = self.main.tensors
        self._codes: dict[int, str] = {
            value: name
            for name, value in vars(tflite_schema().BuiltinOperator).items()
            if isinstance(value, int)
        }

    def operator(self, node: Any) -> str:
        """The name of a node's operator."""
        code = self.model.operatorCodes[node.opcodeIndex]
        number = max(int(code.builtinCode), int(code.deprecatedBuiltinCode))
        return self._codes.get(number, str(number))

    def constant(self, tensor: int) -> bool:
        """Whether a tensor's value is in the file."""
        return self.model.buffers[self.tensors[tensor].buffer].data is not None

    def content(self, tensor: int) -> bytes:
        """The bytes of a constant."""
        return bytes(self.model.buffers[self.tensors[tensor].buffer].data)

    def is_float(self, tensor: int) -> bool:
        """Whether a tensor is float32 or float16."""
        types = tflite_schema().TensorType
        return self.tensors[tensor].type in (types.FLOAT32, types.FLOAT16)

    def shape(self, tensor: int) -> tuple[int, ...]:
        """A tensor's shape."""
        found = self.tensors[tensor].shape
        return () if found is None else tuple(int(size) for size in found)

    def encode(self) -> bytes:
        """The bytes of the file; every buffer inside it, aligned for vector loads."""
        self.model.buffers = [_aligned(buffer) for buffer in self.model.buffers]
        return bytes(flatbuffer_tools().convert_object_to_bytearray(self.model))


def finish(
    content: bytes,
    names: Mapping[str, str],
    note: TfliteNote,
) -> bytes:
    """``content`` with our interface and nothing else of the tools or the run.

    Args:
        content: a TFLite file.
        names: the name of each input and output in the file's signature -> its name from now on.
        note: how the outside sees the graph; it goes into the file.
    """
    graph = Graph(content)
    for number, tensor in enumerate(graph.tensors):
        tensor.name = f"t{number}".encode()
    graph.main.name = b"main"
    signature = graph.model.signatureDefs[0]
    signature.signatureKey = b"serving_default"
    for slot in (*signature.inputs, *signature.outputs):
        old = slot.name.decode()
        slot.name = names.get(old, old).encode()
    schema = tflite_schema()
    for entry in graph.model.metadata or []:
        graph.model.buffers[entry.buffer].data = None
    described = schema.BufferT()
    described.data = bytearray(encode_note(note))
    graph.model.buffers.append(described)
    entry = schema.MetadataT()
    entry.name, entry.buffer = NOTE.encode(), len(graph.model.buffers) - 1
    graph.model.metadata = [entry]
    graph.model.metadataBuffer = None
    graph.model.description = b""
    return graph.encode()


def signature_of(content: bytes) -> tuple[list[str], list[str]]:
    """The names of the inputs and of the outputs in the file's first signature."""
    signature = Graph(content).model.signatureDefs[0]
    inputs = [slot.name.decode() for slot in signature.inputs]
    return inputs, [slot.name.decode() for slot in signature.outputs]


def tflite_float_share(fp32: bytes, quantised: bytes) -> FloatShare:
    """What of the graph ``fp32`` is still floating point in its form ``quantised``."""
    before, after = Graph(fp32), Graph(quantised)
    left = [node for node in _compute(after) if _weight_is_float(after, node)]
    total = sum(node_macs(before, node) for node in _compute(before))
    weights = _float_weights(before)
    return FloatShare(
        nodes=dict(sorted(Counter(after.operator(node) for node in left).items())),
        weights=_float_weights(after) / weights if weights else 0.0,
        macs=sum(node_macs(after, node) for node in left) / total if total else 0.0,
    )


def tflite_parameters(fp32: bytes) -> int:
    """The number of weights of a graph before quantisation."""
    return _float_weights(Graph(fp32))


def node_macs(graph: Graph, node: Any) -> int:
    """Multiply-accumulates of a node; 0 for what has none."""
    operator = graph.operator(node)
    if operator not in COMPUTE:
        return 0
    weight = graph.shape(int(node.inputs[COMPUTE[operator]]))
    given, made = graph.shape(int(node.inputs[0])), graph.shape(int(node.outputs[0]))
    if operator == "DEPTHWISE_CONV_2D":
        return math.prod(made) * math.prod(weight[1:3])
    if operator == "TRANSPOSE_CONV":
        return math.prod(graph.shape(int(node.inputs[2]))) * math.prod(weight[:3])
    if operator == "BATCH_MATMUL":
        return math.prod(made) * (given[-2] if node.builtinOptions.adjX else given[-1])
    if operator == "CONV_3D":
        return math.prod(made) * math.prod(weight[:4])
    return math.prod(made) * math.prod(weight[1:])


def _compute(graph: Graph) -> list[Any]:
    return [n for n in graph.main.operators if graph.operator(n) in {**COMPUTE, **_EMBEDDING}]


def _weight_is_float(graph: Graph, node: Any) -> bool:
    operator = graph.operator(node)
    place = int(node.inputs[{**COMPUTE, **_EMBEDDING}[operator]])
    # a gather from anything but a constant is no embedding
    return graph.is_float(place) and (operator not in _EMBEDDING or graph.constant(place))


def _float_weights(graph: Graph) -> int:
    """Elements of the constants that are floating point, each counted once."""
    constants = {
        tensor.buffer: math.prod(graph.shape(number))
        for number, tensor in enumerate(graph.tensors)
        if graph.is_float(number) and graph.constant(number)
    }
    return sum(constants.values())


def _aligned(buffer: Any) -> Any:
    """``buffer`` as one that the writer aligns; the generated writer forgets to."""
    schema = tflite_schema()

    class Aligned(schema.BufferT):  # type: ignore[name-defined,misc]
        def Pack(self, builder: Any) -> Any:
            data = None
            if self.data is not None:
                content = bytes(self.data)
                builder.StartVector(1, len(content), _ALIGNMENT)
                builder.head -= len(content)
                builder.Bytes[builder.head : builder.head + len(content)] = content
                data = builder.EndVector()
            schema.BufferStart(builder)
            if data is not None:
                schema.BufferAddData(builder, data)
            return schema.BufferEnd(builder)

    out = Aligned()
    out.data = buffer.data
    return out

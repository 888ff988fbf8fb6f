"""The fake binding's plans, engines and execution contexts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from time import perf_counter
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from .cuda import FakeCudart
from .types import (
    DataType,
    ILogger,
    IProfiler,
    Severity,
    Tensor,
    TensorIOMode,
    numpy_type,
    open_session,
    tensor_of,
)

Shapes = tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]
_MAGIC = b"fake TensorRT plan\n"
#: The one layer of every engine.
LAYER = "whole"


class Plan(msgspec.Struct, frozen=True):
    """What a fake engine was built for."""

    version: str
    capability: tuple[int, int]
    profiles: dict[str, Shapes]


def encode_plan(plan: Plan, graph: bytes) -> bytes:
    """A serialised engine."""
    return _MAGIC + msgspec.json.encode(plan) + b"\n" + graph


def decode_plan(content: bytes) -> tuple[Plan, bytes] | None:
    """What :func:`encode_plan` was given; None for anything else."""
    if not content.startswith(_MAGIC):
        return None
    header, _, graph = content[len(_MAGIC) :].partition(b"\n")
    return msgspec.json.decode(header, type=Plan), graph


class ExecutionContext:
    """Shapes and addresses of one run at a time."""

    def __init__(self, engine: CudaEngine) -> None:
        self._engine = engine
        #: Is told the time of each layer, and of that of the fake's one layer.
        self.profiler: IProfiler | None = None
        self._shapes = {
            tensor.name: tensor.shape for tensor in engine.tensors if -1 not in tensor.shape
        }
        self._addresses: dict[str, int] = {}
        self._outputs: dict[str, tuple[int, ...]] = {}

    def set_input_shape(self, name: str, shape: Sequence[int]) -> bool:
        """Whether the shape lies in the profile."""
        declared = self._engine.tensor(name).shape
        low, _, high = self._engine.plan.profiles.get(name, (declared, declared, declared))
        fits = len(shape) == len(low) and all(
            a <= size <= b for a, size, b in zip(low, shape, high, strict=True)
        )
        if not fits:
            self._engine.logger.log(
                Severity.ERROR, f"setInputShape: {name} {tuple(shape)} is not in the profile"
            )
            return False
        self._shapes[name] = tuple(shape)
        self._outputs = {}
        return True

    def set_tensor_address(self, name: str, memory: int) -> bool:
        """Whether the tensor is known."""
        if name not in self._engine.names:
            return False
        self._addresses[name] = memory
        return True

    def infer_shapes(self) -> list[str]:
        """The inputs whose shapes are not set yet."""
        return [name for name in self._engine.fed if name not in self._shapes]

    def get_tensor_shape(self, name: str) -> tuple[int, ...]:
        """The shape; -1 along what is not known."""
        if name in self._shapes:
            return self._shapes[name]
        if not self._outputs and not self.infer_shapes():
            zeros = {
                n: np.zeros(self._shapes[n], self._engine.numpy_type(n)) for n in self._engine.fed
            }
            self._outputs = {n: v.shape for n, v in self._engine.compute(zeros).items()}
        return self._outputs.get(name, self._engine.tensor(name).shape)

    def execute_async_v3(self, stream_handle: int) -> bool:
        """Run; False without an address for every tensor or a stream."""
        cudart = self._engine.cudart
        if set(self._addresses) != set(self._engine.names) or stream_handle not in cudart.streams:
            self._engine.logger.log(Severity.ERROR, "enqueueV3: an address or stream is missing")
            return False
        feeds = {
            name: cudart.view(
                self._addresses[name], self._shapes[name], self._engine.numpy_type(name)
            )
            for name in self._engine.fed
        }
        started = perf_counter()
        for name, value in self._engine.compute(feeds).items():
            cudart.view(self._addresses[name], value.shape, value.dtype)[...] = value
        if self.profiler is not None:
            self.profiler.report_layer_time(LAYER, 1e3 * (perf_counter() - started))
        return True


class CudaEngine:
    """A plan, ready to run."""

    def __init__(self, cudart: FakeCudart, plan: Plan, graph: bytes, logger: ILogger) -> None:
        self.cudart, self.plan, self.logger = cudart, plan, logger
        self._session = open_session(graph)
        inputs = [tensor_of(node) for node in self._session.get_inputs()]
        outputs = [tensor_of(node) for node in self._session.get_outputs()]
        self.tensors = [*inputs, *outputs]
        self.names = [tensor.name for tensor in self.tensors]
        self.fed = [tensor.name for tensor in inputs]

    @property
    def num_io_tensors(self) -> int:
        """How many inputs and outputs there are."""
        return len(self.tensors)

    def get_tensor_name(self, index: int) -> str:
        """The name of one of them."""
        return self.names[index]

    def get_tensor_mode(self, name: str) -> TensorIOMode:
        """Whether it goes in or comes out."""
        return TensorIOMode.INPUT if name in self.fed else TensorIOMode.OUTPUT

    def get_tensor_dtype(self, name: str) -> DataType:
        """Its type."""
        return self.tensor(name).dtype

    def get_tensor_shape(self, name: str) -> tuple[int, ...]:
        """Its shape; -1 along an axis of any length."""
        return self.tensor(name).shape

    def get_tensor_profile_shape(self, name: str, profile_index: int) -> list[tuple[int, ...]]:
        """Smallest, best and largest shape of an input."""
        if profile_index != 0:
            raise ValueError("there is one profile")
        return list(self.plan.profiles[name])

    def create_execution_context(self) -> ExecutionContext:
        """What runs it."""
        return ExecutionContext(self)

    def tensor(self, name: str) -> Tensor:
        """Not in TensorRT: an input or output by name."""
        return self.tensors[self.names.index(name)]

    def numpy_type(self, name: str) -> Any:
        """Not in TensorRT: the numpy type of a tensor."""
        return numpy_type(self.tensor(name).dtype)

    def compute(self, feeds: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Not in TensorRT: run with ONNX Runtime."""
        names = [name for name in self.names if name not in self.fed]
        return dict(zip(names, self._session.run(names, dict(feeds)), strict=True))

"""Enumerations, base classes and tensors of the fake binding."""

from __future__ import annotations

from abc import ABC, abstractmethod
from enum import IntEnum
from typing import Any

import numpy as np

_ONNX = {
    "tensor(float)": "FLOAT",
    "tensor(float16)": "HALF",
    "tensor(int64)": "INT64",
    "tensor(int32)": "INT32",
    "tensor(int8)": "INT8",
    "tensor(uint8)": "UINT8",
    "tensor(bool)": "BOOL",
}
_NUMPY = {
    "FLOAT": np.float32,
    "HALF": np.float16,
    "INT64": np.int64,
    "INT32": np.int32,
    "INT8": np.int8,
    "UINT8": np.uint8,
    "BOOL": np.bool_,
}


class Severity(IntEnum):
    """As in TensorRT 10."""

    INTERNAL_ERROR = 0
    ERROR = 1
    WARNING = 2
    INFO = 3
    VERBOSE = 4


class ILogger(ABC):
    """Base of loggers."""

    Severity = Severity

    @abstractmethod
    def log(self, severity: int, msg: str) -> None:
        """To be overridden."""


class IProgressMonitor(ABC):
    """Base of monitors."""

    @abstractmethod
    def phase_start(self, phase_name: str, parent_phase: str | None, num_steps: int) -> None:
        """To be overridden."""

    @abstractmethod
    def step_complete(self, phase_name: str, step: int) -> bool:
        """To be overridden."""

    @abstractmethod
    def phase_finish(self, phase_name: str) -> None:
        """To be overridden."""


class IProfiler(ABC):
    """Base of profilers."""

    @abstractmethod
    def report_layer_time(self, layer_name: str, ms: float) -> None:
        """To be overridden."""


class NetworkDefinitionCreationFlag(IntEnum):
    """As in TensorRT 10."""

    EXPLICIT_BATCH = 0
    STRONGLY_TYPED = 1


class BuilderFlag(IntEnum):
    """The one that is used."""

    TF32 = 7


class MemoryPoolType(IntEnum):
    """The one that is used."""

    WORKSPACE = 0


class ProfilingVerbosity(IntEnum):
    """As in TensorRT 10."""

    LAYER_NAMES_ONLY = 0
    NONE = 1
    DETAILED = 2


class TensorIOMode(IntEnum):
    """As in TensorRT 10."""

    NONE = 0
    INPUT = 1
    OUTPUT = 2


class DataType(IntEnum):
    """The types of a kit's inputs and outputs."""

    FLOAT = 0
    HALF = 1
    INT8 = 2
    INT32 = 3
    BOOL = 4
    UINT8 = 5
    INT64 = 8


class Tensor:
    """An input or output of a network."""

    def __init__(self, name: str, shape: tuple[int, ...], dtype: DataType) -> None:
        self.name, self.shape, self.dtype = name, shape, dtype


def numpy_type(dtype: IntEnum) -> Any:
    """The numpy type of a TensorRT type."""
    return _NUMPY[dtype.name]


def tensor_of(node: Any) -> Tensor:
    """The tensor for an input or output of an ONNX Runtime session."""
    shape = tuple(size if isinstance(size, int) else -1 for size in node.shape)
    return Tensor(node.name, shape, DataType[_ONNX[node.type]])


def open_session(graph: bytes) -> Any:
    """An ONNX Runtime session that computes the graph as it is written."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])

"""The part of TensorRT's Python binding that is used here, as types.

With stubs of a real binding on the path (``scripts/tensorrt_api.sh`` makes them for 10.3, which
JetPack 6 has, and for 11) mypy checks every call against that version; without, they are Any.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol, cast

from edge_sdk.errors import EngineError

if TYPE_CHECKING:
    import tensorrt


class Binding(Protocol):
    """The module ``tensorrt``, or another with the same interface."""

    __version__: str

    @property
    def ILogger(self) -> type[tensorrt.ILogger]: ...
    @property
    def Builder(self) -> type[tensorrt.Builder]: ...
    @property
    def NetworkDefinitionCreationFlag(self) -> type[tensorrt.NetworkDefinitionCreationFlag]: ...
    @property
    def OnnxParser(self) -> type[tensorrt.OnnxParser]: ...
    @property
    def BuilderFlag(self) -> type[tensorrt.BuilderFlag]: ...
    @property
    def MemoryPoolType(self) -> type[tensorrt.MemoryPoolType]: ...
    @property
    def ProfilingVerbosity(self) -> type[tensorrt.ProfilingVerbosity]: ...
    @property
    def IProgressMonitor(self) -> type[tensorrt.IProgressMonitor]: ...
    @property
    def IProfiler(self) -> type[tensorrt.IProfiler]: ...
    @property
    def Runtime(self) -> type[tensorrt.Runtime]: ...
    @property
    def TensorIOMode(self) -> type[tensorrt.TensorIOMode]: ...
    def nptype(self, trt_type: tensorrt.DataType) -> Any:
        """The numpy type of a TensorRT type."""
        ...


def sizes(shape: tensorrt.Dims) -> tuple[int, ...]:
    """A shape of the binding, which has length and items and no iterator, as a tuple."""
    return tuple(int(shape[axis]) for axis in range(len(shape)))


def load_binding(name: str = "tensorrt") -> Binding:
    """The binding installed here under ``name``.

    Raises:
        EngineError: it is not installed, or its libraries cannot be loaded.
    """
    try:
        return cast("Binding", import_module(name))
    except ImportError as error:
        if error.name == name == "tensorrt_rtx":
            raise EngineError(
                "TensorRT-RTX, which compiles kits on a build host, is not installed here: "
                "pip install 'edge-sdk[verify-tensorrt]' (x86-64)."
            ) from error
        if error.name == name:
            raise EngineError(
                "TensorRT is not installed here. On a Jetson it comes with JetPack "
                "(sudo apt-get install python3-libnvinfer; make the virtual environment with "
                "--system-site-packages); engines are compiled on the device they run on."
            ) from error
        raise EngineError(f"TensorRT is here but cannot be loaded: {error}.") from error

"""The few calls of the CUDA runtime that running an engine needs, each checked."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from edge_sdk.errors import DeviceError, EngineError

# Its home moved: cuda-python 12.6, which fits JetPack 6, and before; then 12.8 and later.
_MODULES = ("cuda.bindings.runtime", "cuda.cudart")


class Gpu(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an engine is tied to: the GPU's name, compute capability (``8.7``) and processors."""

    name: str
    capability: str
    multiprocessors: int

    def __str__(self) -> str:
        return f"{self.name} (compute capability {self.capability}, {self.multiprocessors} SMs)"


class Cuda:
    """The CUDA runtime on device 0.

    Args:
        module: cuda-python's runtime module, or a fake of it; None imports the real one.

    Raises:
        EngineError: cuda-python is not installed.
        DeviceError: there is no GPU or no driver for it.
    """

    def __init__(self, module: Any = None) -> None:
        self._api = _library() if module is None else module
        # Before anything of TensorRT: it may crash where there is no driver, this answers.
        try:
            if self._check(self._api.cudaGetDeviceCount()) < 1:
                raise DeviceError("There is no GPU here that CUDA can use.")
            self._check(self._api.cudaSetDevice(0))
        except EngineError as error:
            raise DeviceError(
                f"There is no GPU here that CUDA can use: {error} TensorRT engines run on a "
                "Jetson or another machine with an NVIDIA GPU and its driver."
            ) from error

    def gpu(self) -> Gpu:
        """The GPU of device 0."""
        found = self._check(self._api.cudaGetDeviceProperties(0))
        name = found.name.decode() if isinstance(found.name, bytes) else str(found.name)
        return Gpu(
            name=name.rstrip("\0"),
            capability=f"{found.major}.{found.minor}",
            multiprocessors=int(found.multiProcessorCount),
        )

    def allocate(self, size: int) -> int:
        """The address of ``size`` bytes on the GPU."""
        return int(self._check(self._api.cudaMalloc(size)))

    def release(self, address: int) -> None:
        """Give memory back."""
        self._check(self._api.cudaFree(address))

    def stream(self) -> int:
        """The handle of a new stream."""
        return int(self._check(self._api.cudaStreamCreate()))

    def upload(self, address: int, value: NDArray[Any], stream: int) -> None:
        """Copy a contiguous array to the GPU; ``value`` must live until the stream is through."""
        kind = self._api.cudaMemcpyKind.cudaMemcpyHostToDevice
        self._copy(address, value.ctypes.data, value.nbytes, kind, stream)

    def download(self, value: NDArray[Any], address: int, stream: int) -> None:
        """Copy from the GPU into a contiguous array; filled when the stream is through."""
        kind = self._api.cudaMemcpyKind.cudaMemcpyDeviceToHost
        self._copy(value.ctypes.data, address, value.nbytes, kind, stream)

    def synchronise(self, stream: int) -> None:
        """Wait until everything put on the stream is done."""
        self._check(self._api.cudaStreamSynchronize(stream))

    def destroy(self, stream: int) -> None:
        """Give a stream back."""
        self._check(self._api.cudaStreamDestroy(stream))

    def _copy(self, to: int, source: int, size: int, kind: Any, stream: int) -> None:
        if size:
            self._check(self._api.cudaMemcpyAsync(to, source, size, kind, stream))

    def _check(self, answer: Any) -> Any:
        """The value of an answer ``(error, value)``.

        Raises:
            EngineError: the call failed.
        """
        error, *values = answer
        if int(error) != 0:
            _, text = self._api.cudaGetErrorString(error)
            reason = text.decode() if isinstance(text, bytes) else str(text)
            raise EngineError(f"CUDA fails: {reason}.")
        return values[0] if values else None


class Buffers:
    """GPU memory by tensor name; grows where a larger shape comes, and is kept between runs."""

    def __init__(self, cuda: Cuda) -> None:
        self._cuda = cuda
        self._held: dict[str, tuple[int, int]] = {}

    def at_least(self, name: str, size: int) -> int:
        """The address of a buffer of ``size`` bytes or more for the tensor ``name``."""
        address, capacity = self._held.get(name, (0, 0))
        # An empty tensor needs an address, too.
        wanted = max(size, 1)
        if capacity < wanted:
            if address:
                del self._held[name]
                self._cuda.release(address)
            address = self._cuda.allocate(wanted)
            self._held[name] = (address, wanted)
        return address

    def upload(self, name: str, value: NDArray[Any], stream: int) -> int:
        """Copy ``value`` to the buffer of ``name``; returns its address."""
        address = self.at_least(name, value.nbytes)
        self._cuda.upload(address, value, stream)
        return address

    def download(self, name: str, shape: tuple[int, ...], dtype: Any, stream: int) -> NDArray[Any]:
        """The content of the buffer of ``name``, there when the stream is through."""
        value = np.empty(shape, dtype)
        self._cuda.download(value, self._held[name][0], stream)
        return value

    def close(self) -> None:
        """Give all memory back."""
        while self._held:
            _, (address, _) = self._held.popitem()
            self._cuda.release(address)


def _library() -> Any:
    for name in _MODULES:
        try:
            return import_module(name)
        except ImportError:
            continue
    raise EngineError(
        "cuda-python, which moves data to the GPU, is not installed here: "
        "pip install 'edge-sdk[tensorrt]'."
    )

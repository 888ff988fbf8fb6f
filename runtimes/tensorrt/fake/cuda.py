"""A CUDA runtime whose GPU memory is host memory: see :mod:`edge_sdk.runtimes.tensorrt.fake`."""

from __future__ import annotations

import ctypes
import itertools
from enum import IntEnum
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray


class cudaError_t(IntEnum):
    """The errors that are given."""

    cudaSuccess = 0
    cudaErrorInvalidValue = 1
    cudaErrorMemoryAllocation = 2
    cudaErrorInsufficientDriver = 35
    cudaErrorNoDevice = 100


class cudaMemcpyKind(IntEnum):
    """As in CUDA."""

    cudaMemcpyHostToHost = 0
    cudaMemcpyHostToDevice = 1
    cudaMemcpyDeviceToHost = 2


class FakeCudart:
    """Stands in for ``cuda.bindings.runtime``: every call answers ``(error, value)``.

    A copy past the end of an allocation, or to what was freed, is an error, as on a GPU that
    one is lucky with.

    Attributes:
        devices: how many GPUs there are; 0 makes every call fail as without a driver.
        memory: bytes that can be allocated in all.
        allocated: sizes by address.
        streams: handles of the streams that are open.
    """

    cudaError_t = cudaError_t
    cudaMemcpyKind = cudaMemcpyKind

    def __init__(self, gpu: str, capability: tuple[int, int], multiprocessors: int) -> None:
        self.devices = 1
        self.memory = 1 << 30
        self.allocated: dict[int, int] = {}
        self.streams: set[int] = set()
        self._blocks: dict[int, Any] = {}
        self._handles = itertools.count(1)
        self._properties = SimpleNamespace(
            name=gpu.encode(),
            major=capability[0],
            minor=capability[1],
            multiProcessorCount=multiprocessors,
        )

    def cudaGetDeviceCount(self) -> tuple[Any, ...]:
        """How many GPUs there are."""
        if not self.devices:
            return cudaError_t.cudaErrorInsufficientDriver, None
        return cudaError_t.cudaSuccess, self.devices

    def cudaSetDevice(self, device: int) -> tuple[Any, ...]:
        """Choose one."""
        return (
            (cudaError_t.cudaSuccess,)
            if device < self.devices
            else (cudaError_t.cudaErrorNoDevice,)
        )

    def cudaGetDeviceProperties(self, device: int) -> tuple[Any, ...]:
        """What one is."""
        return cudaError_t.cudaSuccess, self._properties

    def cudaGetErrorString(self, error: IntEnum) -> tuple[Any, ...]:
        """An error in words."""
        return cudaError_t.cudaSuccess, error.name.encode()

    def cudaMalloc(self, size: int) -> tuple[Any, ...]:
        """Allocate."""
        if sum(self.allocated.values()) + size > self.memory:
            return cudaError_t.cudaErrorMemoryAllocation, None
        block = ctypes.create_string_buffer(size)
        address = ctypes.addressof(block)
        self._blocks[address], self.allocated[address] = block, size
        return cudaError_t.cudaSuccess, address

    def cudaFree(self, devPtr: int) -> tuple[Any, ...]:
        """Give back."""
        if devPtr not in self.allocated:
            return (cudaError_t.cudaErrorInvalidValue,)
        del self._blocks[devPtr], self.allocated[devPtr]
        return (cudaError_t.cudaSuccess,)

    def cudaStreamCreate(self) -> tuple[Any, ...]:
        """Open a stream."""
        handle = next(self._handles)
        self.streams.add(handle)
        return cudaError_t.cudaSuccess, handle

    def cudaStreamSynchronize(self, stream: int) -> tuple[Any, ...]:
        """Wait: everything here is done at once."""
        known = stream in self.streams
        return (cudaError_t.cudaSuccess if known else cudaError_t.cudaErrorInvalidValue,)

    def cudaStreamDestroy(self, stream: int) -> tuple[Any, ...]:
        """Close a stream."""
        if stream not in self.streams:
            return (cudaError_t.cudaErrorInvalidValue,)
        self.streams.remove(stream)
        return (cudaError_t.cudaSuccess,)

    def cudaMemcpyAsync(
        self, dst: int, src: int, count: int, kind: int, stream: int
    ) -> tuple[Any, ...]:
        """Copy; the GPU's side must be an allocation that is long enough."""
        device = dst if kind == cudaMemcpyKind.cudaMemcpyHostToDevice else src
        if count > self.allocated.get(device, -1) or stream not in self.streams:
            return (cudaError_t.cudaErrorInvalidValue,)
        ctypes.memmove(dst, src, count)
        return (cudaError_t.cudaSuccess,)

    def view(self, address: int, shape: tuple[int, ...], dtype: Any) -> NDArray[Any]:
        """Not in CUDA: an array over an allocation."""
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        if size > self.allocated.get(address, -1):
            raise MemoryError(f"{size} bytes at an address that has not so many")
        return np.frombuffer(self._blocks[address], dtype, int(np.prod(shape))).reshape(shape)

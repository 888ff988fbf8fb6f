"""LiteRT's C interface, as far as its profiler needs it.

The Python package has no call for the profiler, but the library in its wheel exports it (names and
signatures are those of the headers in ``litert/c``). What is called here is no stable interface, so
only versions are taken that it has been held against.
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from edge_sdk.errors import EngineError

#: Versions of ai-edge-litert whose calls and structures are those below.
CHECKED = ("2.3.",)
_LIBRARY = "libLiteRt.so"
_CPU, _ERRORS = 1, 3
_AUTO_REGISTER, _MINIMUM_SEVERITY, _INT = 24, 25, 2
_WRITE = 1
# Room for LiteRtRankedTensorType, which is only handed on.
_TENSOR_TYPE = 512

_Handle = ctypes.c_void_p
_Delete = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
# Payloads are Python's own, and stay as long as the model does.
_KEEP = _Delete(lambda payload: None)


class _EnvironmentOption(ctypes.Structure):
    # Enumerations of four bytes, each before something that is aligned to eight.
    _fields_ = (("tag", ctypes.c_int64), ("type", ctypes.c_int64), ("value", ctypes.c_int64))


class _Event(ctypes.Structure):
    _fields_ = (
        ("tag", ctypes.c_char_p),
        ("kind", ctypes.c_int),
        ("started", ctypes.c_uint64),
        ("elapsed", ctypes.c_uint64),
        ("memory", ctypes.c_int64 * 6),
        ("index", ctypes.c_uint64),
        ("more", ctypes.c_uint64),
        ("source", ctypes.c_int),
    )


class Event(NamedTuple):
    """What the profiler has seen: its name, its kind (a bit), microseconds, and a node's number."""

    tag: str
    kind: int
    microseconds: int
    node: int


def why_not(library: ModuleType, version: str) -> str:
    """Why the profiler cannot be called; empty where it can."""
    if not version.startswith(CHECKED):
        known = ", ".join(f"{v}x" for v in CHECKED)
        return f"the profiler's interface of LiteRT {version} is not known here ({known} is)"
    if not _path(library).is_file():
        return f"this LiteRT has no {_LIBRARY}, whose profiler tells the times"
    return ""


class ProfiledModel:
    """A graph in LiteRT's compiled model (XNNPACK, CPU), with its profiler on.

    Args:
        library: the interpreter's module, whose folder has the library.
        graph: a TFLite graph with one signature.
        threads: of XNNPACK.

    Raises:
        EngineError: LiteRT refuses the graph, or has no profiler.
    """

    def __init__(self, library: ModuleType, graph: bytes, threads: int) -> None:
        self._made: list[tuple[str, Any]] = []
        try:
            self._c = ctypes.CDLL(str(_path(library)))
        except OSError as error:
            raise EngineError(f"LiteRT's library cannot be loaded: {error}.") from error
        # The library reads graph and options where they lie.
        self._alive: list[Any] = [graph]
        try:
            self._open(graph, threads)
        except EngineError:
            self.close()
            raise

    def run(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Run once; the outputs by name, as bytes (uint8).

        Raises:
            EngineError: LiteRT fails.
        """
        for name, (buffer, taken) in self._inputs.items():
            value = np.ascontiguousarray(inputs[name])
            if value.nbytes != taken:
                raise EngineError(f"The input {name} has {value.nbytes} bytes and not {taken}.")
            self._copy(buffer, value.ctypes.data, taken, into=True)
        given = _handles([buffer for buffer, _ in self._inputs.values()])
        made = _handles([buffer for buffer, _ in self._outputs.values()])
        size = ctypes.c_size_t
        self._call("LiteRtRunCompiledModel", self._model, size(0), size(len(given)), given,
                   size(len(made)), made)  # fmt: skip
        results = {}
        for name, (buffer, taken) in self._outputs.items():
            results[name] = np.empty(taken, np.uint8)
            self._copy(buffer, results[name].ctypes.data, taken, into=False)
        return results

    def start(self) -> None:
        """Have the profiler forget what it saw, and look."""
        self._call("LiteRtResetProfiler", self._profiler)
        self._call("LiteRtStartProfiler", self._profiler)

    def events(self) -> list[Event]:
        """What it has seen since :meth:`start`, in order; it looks no longer."""
        self._call("LiteRtStopProfiler", self._profiler)
        count = ctypes.c_int()
        self._call("LiteRtGetNumProfilerEvents", self._profiler, ctypes.byref(count))
        if not count.value:
            return []
        found = (_Event * count.value)()
        self._call("LiteRtGetProfilerEvents", self._profiler, count, found)
        return [Event((e.tag or b"").decode(errors="replace"), e.kind, e.elapsed, e.index)
                for e in found]  # fmt: skip

    def close(self) -> None:
        """Give everything back; closing twice is closing once."""
        while self._made:
            destroy, handle = self._made.pop()
            function = getattr(self._c, destroy)
            function.restype = None
            function(handle)
        self._alive.clear()

    def _open(self, graph: bytes, threads: int) -> None:
        size = ctypes.c_size_t
        settings = (_EnvironmentOption * 2)(
            _EnvironmentOption(_AUTO_REGISTER, _INT, _CPU),
            _EnvironmentOption(_MINIMUM_SEVERITY, _INT, _ERRORS),
        )
        environment = self._make("Environment", ctypes.c_int(len(settings)), settings)
        model = self._make("Model", environment, graph, size(len(graph)), call="ModelFromBuffer")
        options = self._make("Options")
        self._call("LiteRtSetOptionsHardwareAccelerators", options, ctypes.c_int(_CPU))
        self._add(options, b"runtime_options_string", b"enable_profiling = true\n")
        self._add(options, b"xnnpack", b"num_threads = %d\n" % threads)
        self._model = self._make("CompiledModel", environment, model, options)
        self._profiler = _Handle()
        self._call("LiteRtCompiledModelGetProfiler", self._model, ctypes.byref(self._profiler))
        if not self._profiler:
            raise EngineError("LiteRT gives no profiler for the graph.")
        signature = _Handle()
        self._call("LiteRtGetModelSignature", model, size(0), ctypes.byref(signature))
        self._inputs = self._buffers(environment, signature, "Input")
        self._outputs = self._buffers(environment, signature, "Output")

    def _buffers(
        self, environment: _Handle, signature: _Handle, kind: str
    ) -> dict[str, tuple[_Handle, int]]:
        """By name, a buffer for each input or output, and its bytes."""
        size = ctypes.c_size_t
        count = size()
        self._call(f"LiteRtGetNumSignature{kind}s", signature, ctypes.byref(count))
        found = {}
        for number in map(size, range(count.value)):
            name, tensor, needs = ctypes.c_char_p(), _Handle(), _Handle()
            kept = (ctypes.c_ubyte * _TENSOR_TYPE)()
            self._call(f"LiteRtGetSignature{kind}Name", signature, number, ctypes.byref(name))
            self._call(f"LiteRtGetSignature{kind}TensorByIndex", signature, number,
                       ctypes.byref(tensor))  # fmt: skip
            self._call("LiteRtGetRankedTensorType", tensor, kept)
            self._call(f"LiteRtGetCompiledModel{kind}BufferRequirements", self._model, size(0),
                       number, ctypes.byref(needs))  # fmt: skip
            buffer = self._make("TensorBuffer", environment, kept, needs,
                                call="ManagedTensorBufferFromRequirements")  # fmt: skip
            taken = size()
            self._call("LiteRtGetTensorBufferPackedSize", buffer, ctypes.byref(taken))
            found[(name.value or b"").decode()] = (buffer, taken.value)
        return found

    def _add(self, options: _Handle, name: bytes, text: bytes) -> None:
        payload = ctypes.create_string_buffer(text)
        self._alive += [name, payload]
        made = _Handle()
        self._call("LiteRtCreateOpaqueOptions", name, ctypes.cast(payload, _Handle), _KEEP,
                   ctypes.byref(made))  # fmt: skip
        self._call("LiteRtAddOpaqueOptions", options, made)

    def _copy(self, buffer: _Handle, address: int, size: int, *, into: bool) -> None:
        there = _Handle()
        mode = ctypes.c_int(_WRITE if into else 0)
        self._call("LiteRtLockTensorBuffer", buffer, ctypes.byref(there), mode)
        if into:
            ctypes.memmove(there, address, size)
        else:
            ctypes.memmove(address, there, size)
        self._call("LiteRtUnlockTensorBuffer", buffer)

    def _make(self, what: str, *arguments: Any, call: str = "") -> _Handle:
        handle = _Handle()
        self._call(f"LiteRtCreate{call or what}", *arguments, ctypes.byref(handle))
        self._made.append((f"LiteRtDestroy{what}", handle))
        return handle

    def _call(self, name: str, *arguments: Any) -> None:
        try:
            function = getattr(self._c, name)
        except AttributeError as error:
            raise EngineError(f"LiteRT's library has no {name}.") from error
        function.restype = ctypes.c_int
        status = function(*arguments)
        if status:
            raise EngineError(f"LiteRT fails in {name}: status {status}.")


def _path(library: ModuleType) -> Path:
    return Path(library.__file__ or "").parent / _LIBRARY


def _handles(handles: list[_Handle]) -> Any:
    return (_Handle * len(handles))(*(handle.value for handle in handles))

"""A compiled engine, running: copy in, enqueue, copy out, on one CUDA stream."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edge_sdk.bundle.manifest import ShapeRange, TensorSpec
from edge_sdk.bundle.shapes import refusal
from edge_sdk.errors import EngineError, InputError

from ..engines.checks import check_inputs
from ..engines.layer_times import LayerTime, NotTold
from ..engines.placement import Node, Placement, placement
from ..engines.protocol import Tensors
from .binding import Binding, sizes
from .cuda import Buffers, Cuda
from .layers import Layer
from .logs import Log
from .profiler import LayerProfiler

if TYPE_CHECKING:
    import tensorrt


# TensorRT's names of types, as the other engines call them.
_TYPES = {"Float": "float32", "Half": "float16"}


class TensorRtGraph:
    """An engine loaded for running; see :class:`~edge_sdk.runtimes.engines.protocol.Executable`.

    Not for several threads at once.

    Args:
        trt: the binding.
        cuda: the CUDA runtime, opened before TensorRT is touched.
        plan: a serialised engine of this TensorRT version and this GPU.
        layers: the engine's layers, as its build listed them.
        trace: have TensorRT report the time of each layer.

    Raises:
        EngineError: TensorRT refuses the engine, or an output's shape depends on the data.
    """

    def __init__(
        self,
        trt: Binding,
        cuda: Cuda,
        plan: bytes,
        layers: tuple[Layer, ...] = (),
        *,
        trace: bool = False,
    ) -> None:
        self._cuda = cuda
        self._layers = layers
        self._log = Log(trt)
        self._runtime: tensorrt.Runtime | None = trt.Runtime(self._log.logger)
        engine = self._runtime.deserialize_cuda_engine(plan)
        if engine is None:
            raise EngineError(
                f"TensorRT {trt.__version__} refuses the engine: {self._log.last_error()}; "
                "run 'edge-sdk build' on the bundle again."
            )
        context = engine.create_execution_context()
        if context is None:
            raise EngineError(
                f"TensorRT {trt.__version__} cannot prepare the engine: {self._log.last_error()}."
            )
        self._engine: tensorrt.ICudaEngine | None = engine
        self._context: tensorrt.IExecutionContext | None = context
        self._profiler = LayerProfiler(trt) if trace else None
        if self._profiler is not None:
            context.profiler = self._profiler.profiler
        names = [engine.get_tensor_name(index) for index in range(engine.num_io_tensors)]
        self._dtypes = {name: np.dtype(trt.nptype(engine.get_tensor_dtype(name))) for name in names}
        fed = {n for n in names if engine.get_tensor_mode(n) == trt.TensorIOMode.INPUT}
        self.provider = f"TensorRT {trt.__version__}"
        self.inputs = tuple(self._spec(engine, name) for name in names if name in fed)
        self.outputs = tuple(self._spec(engine, name) for name in names if name not in fed)
        self.profiles = tuple(
            _profile(engine, spec)
            for spec in self.inputs
            if any(isinstance(size, str) for size in spec.shape)
        )
        self._buffers = Buffers(cuda)
        self._stream = cuda.stream()

    def run(self, inputs: Tensors) -> dict[str, NDArray[Any]]:
        """Run once; the outputs by name.

        Raises:
            InputError: an input is missing, unknown, of another rank or dtype, or of a length
                outside the engine's profile.
            EngineError: TensorRT or CUDA fails, or the graph was closed.
        """
        context = self._context
        if context is None:
            raise EngineError("The graph is closed; load it again.")
        check_inputs(self.inputs, inputs)
        for profile in self.profiles:
            outside = refusal(profile, inputs[profile.input].shape)
            if outside:
                raise InputError(f"The compiled engine does not take this input: {outside}.")
        try:
            return self._run(context, inputs)
        except EngineError:
            # Nothing may still be reading arrays that are about to go.
            self._drain()
            raise

    def _run(self, context: tensorrt.IExecutionContext, inputs: Tensors) -> dict[str, NDArray[Any]]:
        alive = {spec.name: np.ascontiguousarray(inputs[spec.name]) for spec in self.inputs}
        for name, value in alive.items():
            if not context.set_input_shape(name, tuple(value.shape)):
                raise self._failure(f"does not take {name} as {list(value.shape)}")
            address = self._buffers.upload(name, value, self._stream)
            if not context.set_tensor_address(name, address):
                raise self._failure(f"does not take an address for {name}")
        unset = context.infer_shapes()
        if unset:
            raise self._failure(f"lacks a value for {', '.join(unset)}")
        shapes = {}
        for spec in self.outputs:
            shape = sizes(context.get_tensor_shape(spec.name))
            if min(shape, default=0) < 0:
                raise self._failure(f"cannot tell the shape of {spec.name} before it runs")
            shapes[spec.name] = shape
            size = int(np.prod(shape)) * self._dtypes[spec.name].itemsize
            if not context.set_tensor_address(spec.name, self._buffers.at_least(spec.name, size)):
                raise self._failure(f"does not take an address for {spec.name}")
        if not context.execute_async_v3(self._stream):
            raise self._failure("fails to run")
        results = {
            name: self._buffers.download(name, shape, self._dtypes[name], self._stream)
            for name, shape in shapes.items()
        }
        self._cuda.synchronise(self._stream)
        return results

    def placement(self) -> Placement | None:
        """Every layer on the GPU, as an engine runs nowhere else; which, if the build told it."""
        if not self._layers:
            return Placement(nodes={self.provider: {}}, in_float={})
        return placement(
            Node(
                self.provider,
                layer.kind,
                frozenset(_TYPES.get(t, t.lower()) for t in (*layer.inputs, *layer.constants)),
            )
            for layer in self._layers
        )

    def layer_times(self) -> tuple[LayerTime, ...] | NotTold:
        """How long its layers took, if it was loaded with ``trace``."""
        if self._profiler is None:
            return NotTold("the graph was loaded without tracing")
        return self._profiler.layer_times(self.provider, {x.name: x.kind for x in self._layers})

    def close(self) -> None:
        """Give memory, stream and engine back; closing twice is closing once."""
        if self._context is None:
            return
        self._drain()
        # The context before its engine, the engine before its runtime.
        self._context = None
        self._engine = None
        self._runtime = None
        self._buffers.close()
        self._cuda.destroy(self._stream)

    def _drain(self) -> None:
        try:
            self._cuda.synchronise(self._stream)
        except EngineError:
            return  # a broken stream has nothing left to wait for

    def _failure(self, what: str) -> EngineError:
        return EngineError(f"{self.provider} {what}: {self._log.last_error()}.")

    def _spec(self, engine: tensorrt.ICudaEngine, name: str) -> TensorSpec:
        declared = sizes(engine.get_tensor_shape(name))
        shape = tuple(s if s >= 0 else f"{name}.{axis}" for axis, s in enumerate(declared))
        return TensorSpec(name=name, dtype=self._dtypes[name].name, shape=shape)


def _profile(engine: tensorrt.ICudaEngine, spec: TensorSpec) -> ShapeRange:
    low, best, high = (sizes(s) for s in engine.get_tensor_profile_shape(spec.name, 0))
    return ShapeRange(input=spec.name, smallest=low, usual=best, largest=high)

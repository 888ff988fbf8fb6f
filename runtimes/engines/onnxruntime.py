"""ONNX Runtime on the CPU: one thread, sequential, no spinning unless the target says more."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Any

from numpy.typing import NDArray

from edge_sdk.bundle.manifest import TensorSpec
from edge_sdk.errors import EngineError

from .checks import check_inputs
from .layer_times import LayerTime, NotTold
from .onnxruntime_trace import Trace
from .placement import Placement
from .protocol import EngineOptions, Tensors
from .run_times import Stamps, one_call

_PROVIDER = "CPUExecutionProvider"
_DTYPES = {
    "tensor(float)": "float32",
    "tensor(int64)": "int64",
    "tensor(int32)": "int32",
    "tensor(bool)": "bool",
    "tensor(uint8)": "uint8",
    "tensor(int8)": "int8",
}


class OnnxRuntimeEngine:
    """The engine ``onnxruntime``."""

    name = "onnxruntime"

    def version(self) -> str:
        """The version of the onnxruntime package."""
        return str(_library().__version__)

    def providers(self) -> tuple[str, ...]:
        """The providers that the package has here."""
        return tuple(_library().get_available_providers())

    def load(self, graph: bytes, options: EngineOptions) -> OnnxRuntimeGraph:
        """Load an ONNX graph."""
        return OnnxRuntimeGraph(graph, options)


class OnnxRuntimeGraph:
    """A graph loaded into ONNX Runtime."""

    def __init__(self, graph: bytes, options: EngineOptions) -> None:
        ort = _library()
        settings = ort.SessionOptions()
        settings.intra_op_num_threads = options.threads
        settings.inter_op_num_threads = 1
        settings.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
        settings.add_session_config_entry("session.intra_op.allow_spinning", "0")
        settings.log_severity_level = 3
        levels = ort.GraphOptimizationLevel
        settings.graph_optimization_level = (
            levels.ORT_ENABLE_ALL if options.optimise else levels.ORT_DISABLE_ALL
        )
        self._trace = Trace(settings) if options.trace else None
        self._session: Any = None
        try:
            self._session = ort.InferenceSession(graph, settings, providers=[_PROVIDER])
        except Exception as error:  # the binding has a class of its own for each status
            self.close()
            raise EngineError(
                f"onnxruntime {ort.__version__} refuses the graph: {error}"
            ) from error
        if self._session.get_providers()[0] != _PROVIDER:
            raise EngineError(
                f"onnxruntime chose {self._session.get_providers()[0]} instead of {_PROVIDER}."
            )
        self.provider = _PROVIDER
        given = self._session.get_inputs()
        if options.states:
            given = [*given, *self._session.get_overridable_initializers()]
        self.inputs = tuple(_spec(node) for node in given)
        made = tuple(_spec(node) for node in self._session.get_outputs())
        self.outputs = tuple(s for s in made if not options.outputs or s.name in options.outputs)
        self._names = [spec.name for spec in self.outputs]
        self.last_run: Stamps | None = None

    def run(self, inputs: Tensors) -> dict[str, NDArray[Any]]:
        """Run once; see :class:`~edge_sdk.runtimes.engines.protocol.Executable`."""
        if self._session is None:
            raise EngineError("The graph is closed; load it again.")
        called = perf_counter()
        try:
            results = self._session.run(self._names, inputs)
        except Exception as error:
            # It refuses what does not fit by itself; here it is said which input that is.
            check_inputs(self.inputs, inputs)
            raise EngineError(f"onnxruntime failed while running the graph: {error}") from error
        self.last_run = one_call(called, perf_counter())
        return dict(zip(self._names, results))  # noqa: B905 - a name a result, by contract

    def bind(self, inputs: Tensors, outputs: Tensors) -> Callable[[], None]:
        """Tie a run to arrays; see :class:`~edge_sdk.runtimes.engines.protocol.Bindable`."""
        if self._session is None:
            raise EngineError("The graph is closed; load it again.")
        check_inputs(self.inputs, inputs)
        return _Bound(self._session, inputs, outputs)

    def placement(self) -> Placement | None:
        """Where its nodes ran, if it was loaded with ``trace``."""
        return self._trace.placement(self._session) if self._trace is not None else None

    def layer_times(self) -> tuple[LayerTime, ...] | NotTold:
        """How long its nodes took, if it was loaded with ``trace``."""
        if self._trace is None:
            return NotTold("the graph was loaded without tracing")
        return self._trace.layer_times(self._session)

    def close(self) -> None:
        """Drop the session."""
        if self._trace is not None:
            self._trace.close(self._session)
            self._trace = None
        self._session = None


class _Bound:
    """Runs on the same arrays each time."""

    def __init__(self, session: Any, inputs: Tensors, outputs: Tensors) -> None:
        self._session, self._binding = session, session.io_binding()
        # The engine knows their addresses alone.
        self._kept = (*inputs.values(), *outputs.values())
        for bind, arrays in (
            (self._binding.bind_input, inputs), (self._binding.bind_output, outputs),
        ):  # fmt: skip
            for name, array in arrays.items():
                bind(name, "cpu", 0, array.dtype, array.shape, array.ctypes.data)

    def __call__(self) -> None:
        try:
            self._session.run_with_iobinding(self._binding)
        except Exception as error:
            raise EngineError(f"onnxruntime failed while running the graph: {error}") from error


def _library() -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise EngineError(
            "The engine onnxruntime is not installed here: pip install 'edge-sdk[onnx]'."
        ) from error
    return onnxruntime


def _spec(node: Any) -> TensorSpec:
    shape = tuple(dim if isinstance(dim, int) else str(dim) for dim in node.shape)
    dtype = _DTYPES.get(node.type, node.type)
    return TensorSpec(name=node.name, dtype=dtype, shape=shape)

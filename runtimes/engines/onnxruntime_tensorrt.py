"""ONNX Runtime's TensorRT provider: for devices whose ONNX Runtime is built with it.

ONNX Runtime moves to the CPU what a provider does not take, and says so only in its log. Here
that is an error: at creation (no node may fall back) and after it (the provider is asserted).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

from numpy.typing import NDArray

from edge_sdk.bundle.manifest import ShapeRange, TensorSpec
from edge_sdk.bundle.shapes import Shape, refusal
from edge_sdk.errors import EngineError, InputError, storage_errors

from ..tensorrt.cache import default_engine_cache
from ..tensorrt.options import TensorRtOptions, tensorrt_options
from .checks import check_inputs
from .layer_times import LayerTime, NotTold
from .onnxruntime_trace import Trace
from .placement import Placement
from .protocol import EngineOptions, Tensors
from .run_times import Stamps, one_call

_PROVIDER = "TensorrtExecutionProvider"
_DTYPES = {"tensor(float)": "float32", "tensor(int64)": "int64", "tensor(int32)": "int32"}


class OnnxRuntimeTensorRtEngine:
    """The engine ``onnxruntime-tensorrt``.

    Args:
        library: the module ``onnxruntime``; by default the one that is installed.
    """

    name = "onnxruntime-tensorrt"
    stands_in_for = "tensorrt"

    def __init__(self, library: Any = None) -> None:
        self._library = library

    def version(self) -> str:
        """The version of the onnxruntime package.

        Raises:
            EngineError: it is not installed, or was built without TensorRT.
        """
        return str(self._ort().__version__)

    def load(self, graph: bytes, options: EngineOptions) -> OnnxRuntimeTensorRtGraph:
        """Load an ONNX graph; compiles it if the provider's own cache has no engine.

        Raises:
            EngineError: the provider is not there, refuses the graph, or would leave nodes to
                the CPU.
        """
        return OnnxRuntimeTensorRtGraph(self._ort(), graph, tensorrt_options(options))

    def _ort(self) -> Any:
        if self._library is None:
            try:
                import onnxruntime
            except ImportError as error:
                raise EngineError(
                    "ONNX Runtime is not installed here; a Jetson needs the build with the "
                    "TensorRT provider that fits its JetPack."
                ) from error
            self._library = onnxruntime
        if _PROVIDER not in self._library.get_available_providers():
            raise EngineError(
                f"onnxruntime {self._library.__version__} here is built without TensorRT; "
                "install the build for this JetPack, or use the engine tensorrt."
            )
        return self._library


class OnnxRuntimeTensorRtGraph:
    """A graph in ONNX Runtime, every node of it on the TensorRT provider."""

    def __init__(self, ort: Any, graph: bytes, options: TensorRtOptions) -> None:
        if not options.optimise:
            raise EngineError(
                "TensorRT cannot run a graph node by node as it is written; the reference runs "
                "in ONNX Runtime on the CPU."
            )
        settings = ort.SessionOptions()
        settings.log_severity_level = 3
        settings.add_session_config_entry("session.disable_cpu_ep_fallback", "1")
        folder = (options.cache or default_engine_cache()) / "onnxruntime"
        with storage_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
        self._trace = Trace(settings) if options.trace else None
        self._session: Any = None
        try:
            self._session = ort.InferenceSession(
                graph, settings, providers=[(_PROVIDER, provider_options(options, folder))]
            )
        except Exception as error:  # the binding has a class of its own for each status
            self.close()
            raise EngineError(
                f"onnxruntime {ort.__version__} cannot run the whole graph on {_PROVIDER}: {error}"
            ) from error
        # At a failure inside a provider the session would create itself anew on the CPU.
        self._session.disable_fallback()
        providers = self._session.get_providers()
        if not providers or providers[0] != _PROVIDER:
            raise EngineError(
                f"onnxruntime chose {providers[0] if providers else 'no provider'} instead of "
                f"{_PROVIDER}; its log says why (a library of CUDA or TensorRT is missing)."
            )
        self.provider = _PROVIDER
        self.inputs = tuple(_spec(node) for node in self._session.get_inputs())
        made = tuple(_spec(node) for node in self._session.get_outputs())
        self.outputs = tuple(s for s in made if not options.outputs or s.name in options.outputs)
        self._names = [spec.name for spec in self.outputs]
        self._profiles = options.shapes
        self.last_run: Stamps | None = None
        self._open = True

    def run(self, inputs: Tensors) -> dict[str, NDArray[Any]]:
        """Run once; see :class:`~edge_sdk.runtimes.engines.protocol.Executable`."""
        if not self._open:
            raise EngineError("The graph is closed; load it again.")
        check_inputs(self.inputs, inputs)
        for profile in self._profiles:
            # The provider would compile a new engine for it, for minutes and without a word.
            outside = refusal(profile, inputs[profile.input].shape)
            if outside:
                raise InputError(f"The compiled engine does not take this input: {outside}.")
        called = perf_counter()
        try:
            results = self._session.run(self._names, dict(inputs))
        except Exception as error:
            raise EngineError(f"onnxruntime failed while running the graph: {error}") from error
        self.last_run = one_call(called, perf_counter())
        return dict(zip(self._names, results, strict=True))

    def placement(self) -> Placement | None:
        """Where its nodes ran, if it was loaded with ``trace``: each compiled subgraph is one."""
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
        self._open = False
        self._session = None


def provider_options(options: TensorRtOptions, folder: Path) -> dict[str, str]:
    """The provider's options: precision of the graph, its shapes, its cache of engines."""
    chosen = {
        "device_id": "0",
        "trt_engine_cache_enable": "1",
        "trt_engine_cache_path": str(folder),
        "trt_builder_optimization_level": str(options.flags.level),
        # Only what the graph is written in: neither flag rounds a graph of another precision.
        "trt_fp16_enable": "1" if options.precision == "fp16" else "0",
        "trt_int8_enable": "1" if options.precision == "int8" else "0",
    }
    if options.flags.workspace_mb is not None:
        chosen["trt_max_workspace_size"] = str(options.flags.workspace_mb << 20)
    if options.shapes:
        for bound, field in (("min", "smallest"), ("opt", "usual"), ("max", "largest")):
            chosen[f"trt_profile_{bound}_shapes"] = _shapes(options.shapes, field)
    return chosen


def _shapes(profiles: Sequence[ShapeRange], field: str) -> str:
    def text(shape: Shape) -> str:
        return "x".join(str(size) for size in shape)

    return ",".join(f"{profile.input}:{text(getattr(profile, field))}" for profile in profiles)


def _spec(node: Any) -> TensorSpec:
    shape = tuple(dim if isinstance(dim, int) else str(dim) for dim in node.shape)
    return TensorSpec(name=node.name, dtype=_DTYPES.get(node.type, node.type), shape=shape)

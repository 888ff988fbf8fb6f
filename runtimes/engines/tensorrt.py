"""TensorRT on the device's GPU, from engines that ``edge-sdk build`` compiled there."""

from __future__ import annotations

from typing import Any

from edge_sdk.errors import EngineError

from ..tensorrt.binding import Binding, load_binding
from ..tensorrt.cache import EngineCache, Found, default_engine_cache, engine_key
from ..tensorrt.cuda import Cuda
from ..tensorrt.options import tensorrt_options
from ..tensorrt.runner import TensorRtGraph
from .protocol import EngineOptions


class TensorRtEngine:
    """The engine ``tensorrt``.

    Args:
        binding: TensorRT's Python module; by default the one that is installed.
        cudart: cuda-python's runtime module; by default the one that is installed.
    """

    name = "tensorrt"

    def __init__(self, binding: Binding | None = None, cudart: Any = None) -> None:
        self._binding = binding
        self._cudart = cudart
        self._cuda: Cuda | None = None

    def version(self) -> str:
        """The version of TensorRT.

        Raises:
            EngineError: TensorRT is not installed.
        """
        return str(self._trt().__version__)

    def load(self, graph: bytes, options: EngineOptions) -> TensorRtGraph:
        """The graph's engine from the cache; nothing is compiled here.

        Raises:
            EngineError: TensorRT or cuda-python is not installed, there is no engine for this
                graph, this TensorRT and this GPU, or it is refused.
            DeviceError: there is no GPU.
        """
        settings = tensorrt_options(options)
        if not settings.optimise:
            raise EngineError(
                "TensorRT cannot run a graph node by node as it is written; the reference runs "
                "in ONNX Runtime."
            )
        trt = self._trt()
        if self._cuda is None:
            self._cuda = Cuda(self._cudart)
        cache = EngineCache(settings.cache or default_engine_cache())
        key = engine_key(trt.__version__, self._cuda.gpu(), graph, settings.shapes, settings.flags)
        known = cache.find(key)
        if not isinstance(known, Found):
            raise EngineError(
                f"There is no compiled TensorRT engine for this graph: {known.reason}. "
                "Run 'edge-sdk build' on the bundle, on this device."
            )
        return TensorRtGraph(trt, self._cuda, known.plan, known.layers, trace=settings.trace)

    def _trt(self) -> Binding:
        if self._binding is None:
            self._binding = load_binding()
        return self._binding

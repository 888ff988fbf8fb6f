"""Graphs run as they are written: the reference for parity, the gate and golden values.

No optimiser touches the graph, so a QDQ graph computes in floating point between its rounding
steps: what int8 should give, not what the build host's kernels make of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import onnx
import onnxruntime
from numpy.typing import NDArray

from edge_sdk.errors import ExportError

Arrays = dict[str, NDArray[Any]]


class Reference:
    """An ONNX graph in ONNX Runtime with one thread; ``optimise`` turns its optimiser on.

    It is loaded when it first runs: of many candidates some never do.
    """

    def __init__(self, graph: onnx.ModelProto | bytes, *, optimise: bool = False) -> None:
        self._optimise = optimise
        self._graph = graph

    @cached_property
    def _session(self) -> onnxruntime.InferenceSession:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # Many are open at once and each sees inputs of many lengths: an arena would keep the most
        # that any of them took.
        options.enable_cpu_mem_arena = False
        levels = onnxruntime.GraphOptimizationLevel
        options.graph_optimization_level = (
            levels.ORT_ENABLE_ALL if self._optimise else levels.ORT_DISABLE_ALL
        )
        graph = self._graph
        content = graph if isinstance(graph, bytes) else graph.SerializeToString()
        try:
            return onnxruntime.InferenceSession(
                content, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # the binding has a class of its own for each status
            raise ExportError(f"ONNX Runtime refuses the graph: {error}") from error

    @cached_property
    def outputs(self) -> list[str]:
        """The names of the outputs, in the graph's order."""
        return [value.name for value in self._session.get_outputs()]

    @property
    def width(self) -> int:
        """The last axis of the first output: an encoder's embedding size."""
        return int(self._session.get_outputs()[0].shape[-1])

    def release(self) -> None:
        """Let go of what was loaded; it is loaded anew when it runs again."""
        self.__dict__.pop("_session", None)

    def run(self, inputs: Mapping[str, NDArray[Any]]) -> Arrays:
        """The outputs by name.

        Raises:
            ExportError: ONNX Runtime refuses the graph, or it does not run on these inputs.
        """
        session, outputs = self._session, self.outputs
        try:
            results = session.run(outputs, dict(inputs))
        except Exception as error:
            raise ExportError(f"ONNX Runtime fails on the graph: {error}") from error
        return dict(zip(outputs, results, strict=True))

"""Graphs run as they are written: the reference for parity, the gate and golden values.

No optimiser touches the graph, so a QDQ graph computes in floating point between its rounding
steps: what int8 should give, not what the build host's kernels make of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import onnx
import onnxruntime
from numpy.typing import NDArray

from edge_sdk.errors import ExportError

Arrays = dict[str, NDArray[Any]]


class Reference:
    """An ONNX graph in ONNX Runtime with one thread; ``optimise`` turns its optimiser on."""

    def __init__(self, graph: onnx.ModelProto | bytes, *, optimise: bool = False) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # Many are open at once and each sees inputs of many lengths: an arena would keep the most
        # that any of them took.
        options.enable_cpu_mem_arena = False
        levels = onnxruntime.GraphOptimizationLevel
        options.graph_optimization_level = (
            levels.ORT_ENABLE_ALL if optimise else levels.ORT_DISABLE_ALL
        )
        content = graph if isinstance(graph, bytes) else graph.SerializeToString()
        try:
            self._session = onnxruntime.InferenceSession(
                content, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # the binding has a class of its own for each status
            raise ExportError(f"ONNX Runtime refuses the graph: {error}") from error
        self.outputs = [value.name for value in self._session.get_outputs()]

    @property
    def width(self) -> int:
        """The last axis of the first output: an encoder's embedding size."""
        return int(self._session.get_outputs()[0].shape[-1])

    def run(self, inputs: Mapping[str, NDArray[Any]]) -> Arrays:
        """The outputs by name.

        Raises:
            ExportError: the graph does not run on these inputs.
        """
        try:
            results = self._session.run(self.outputs, dict(inputs))
        except Exception as error:
            raise ExportError(f"ONNX Runtime fails on the graph: {error}") from error
        return dict(zip(self.outputs, results, strict=True))

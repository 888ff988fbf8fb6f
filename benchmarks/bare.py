"""The yardstick: the graphs of a bundle in onnxruntime and nothing of the SDK around them.

Also a script of its own, for a process whose memory is that of the engine alone; so it imports
nothing but numpy and onnxruntime.

Usage: bare.py THREADS INPUTS.npz ENCODER.onnx [...] HEAD.onnx
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import onnxruntime as ort


def bare_session(graph: str, threads: int) -> Any:
    """An onnxruntime session with the options that the SDK's engine sets."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    return ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def main(threads: int, inputs: str, graphs: list[str]) -> None:
    """Load the graphs and run each once: the encoders on ``inputs`` in order, then the head."""
    sessions = [bare_session(graph, threads) for graph in graphs]
    *encoders, head = sessions
    with np.load(inputs) as archive:
        features = [archive[f"arr_{i}"] for i in range(len(encoders))]
    embeddings = [
        encoder.run(None, {encoder.get_inputs()[0].name: value})[0]
        for encoder, value in zip(encoders, features, strict=True)
    ]
    mask = np.ones((1, len(encoders)), np.float32)
    names = [node.name for node in head.get_inputs()]
    head.run(None, dict(zip(names, [*embeddings, mask], strict=True)))


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3:])

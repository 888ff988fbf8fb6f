"""Runs the graphs of one candidate in the engine it ships for; asked through standard input.

Usage: run.py JOB.json, with ``parts`` (by part the ``engine`` and the ``graph``), ``modalities``
(in the order of the mask), ``embeddings`` (their sizes), ``fixed``, ``samples`` (an archive of
features named ``NUMBER/MODALITY``), ``timed`` (numbers) and ``classes`` (by head).

``time`` runs each timed sample once and answers with the mean milliseconds of CPU by part;
``answers`` runs every sample and answers with the winning class of every head.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
from job import grouped, padded

Arrays = dict[str, Any]
Run = Callable[[Arrays], Arrays]


def onnxruntime_graph(path: str) -> Run:
    """One thread, no spinning, all optimisations."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    names = [node.name for node in session.get_outputs()]
    return lambda feed: dict(zip(names, session.run(names, feed), strict=True))


def openvino_graph(path: str) -> Run:
    """One thread, tuned for latency."""
    import openvino

    settings = {"INFERENCE_NUM_THREADS": 1, "NUM_STREAMS": 1, "PERFORMANCE_HINT": "LATENCY"}
    compiled = openvino.Core().compile_model(path, "CPU", settings)
    request = compiled.create_infer_request()
    names = [node.get_any_name() for node in compiled.outputs]

    def run(feed: Arrays) -> Arrays:
        found = request.infer(feed, share_inputs=True, share_outputs=True)
        return {name: np.array(found[name]) for name in names}

    return run


def litert_graph(path: str) -> Run:
    """One thread, XNNPACK; inputs and outputs quantised where the graph has them so."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=path, num_threads=1)
    interpreter.allocate_tensors()
    runner = interpreter.get_signature_runner()
    inputs, outputs = runner.get_input_details(), runner.get_output_details()

    def run(feed: Arrays) -> Arrays:
        for name, detail in inputs.items():
            interpreter.set_tensor(detail["index"], narrowed(feed[name], detail))
        interpreter.invoke()
        found = {name: interpreter.get_tensor(d["index"]) for name, d in outputs.items()}
        return {name: widened(value, outputs[name]) for name, value in found.items()}

    return run


def executorch_graph(path: str) -> Run:
    """One thread, XNNPACK; ``NAME.json`` beside the program names its inputs and outputs."""
    import torch
    from executorch.extension.pybindings.portable_lib import _unsafe_reset_threadpool
    from executorch.runtime import Runtime

    torch.set_num_threads(1)
    _unsafe_reset_threadpool(1)
    program = Runtime.get().load_program(path)
    method = program.load_method("forward")
    names = json.loads(Path(path).with_suffix(".json").read_text())

    def run(feed: Arrays) -> Arrays:
        given = [
            torch.from_numpy(np.ascontiguousarray(feed[name], dtype=kind))
            for name, kind in names["inputs"].items()
        ]
        # A copy: what it gives is its own memory, which the next run overwrites.
        found = [value.numpy().copy() for value in method.execute(given)]
        return dict(zip(names["outputs"], found, strict=True))

    return run


def narrowed(value: Any, detail: Any) -> Any:
    """A float in the dtype of the graph's input."""
    scale, zero = detail["quantization"]
    kind = np.dtype(detail["dtype"])
    if scale and value.dtype.kind == "f" and kind.kind == "i":
        bounds = np.iinfo(kind)
        return np.clip(np.round(value / scale) + zero, bounds.min, bounds.max).astype(kind)
    return value if value.dtype == kind else value.astype(kind)


def widened(value: Any, detail: Any) -> Any:
    """An output of the graph as floats."""
    scale, zero = detail["quantization"]
    if scale and value.dtype.kind == "i":
        return ((value.astype(np.float32) - zero) * scale).astype(np.float32)
    return value


ENGINES = {
    "onnxruntime": onnxruntime_graph,
    "openvino": openvino_graph,
    "litert": litert_graph,
    "executorch": executorch_graph,
}


class Model:
    """The parts of a fusion model, wired as the SDK wires them."""

    def __init__(self, job: Any) -> None:
        self._run = {n: ENGINES[p["engine"]](p["graph"]) for n, p in job["parts"].items()}
        self._fixed = job.get("fixed", {})
        self._modalities = job["modalities"]
        self._missing = {n: np.zeros((1, s), np.float32) for n, s in job["embeddings"].items()}

    def __call__(self, features: Arrays) -> tuple[Arrays, dict[str, float]]:
        """The head's outputs, and the seconds of CPU by part."""
        spent = {}
        feed = dict(self._missing)
        for name, value in features.items():
            given = padded({"features": value}, self._fixed.get(name, []))
            started = process_time()
            feed[name] = self._run[name](given)["embedding"]
            spent[name] = process_time() - started
        feed["mask"] = np.array([[name in features for name in self._modalities]], np.float32)
        started = process_time()
        outputs = self._run["head"](feed)
        spent["head"] = process_time() - started
        return outputs, spent


def main() -> None:
    job = json.loads(Path(sys.argv[1]).read_text())
    model = Model(job)
    with np.load(job["samples"]) as archive:
        samples = list(grouped(archive))
    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        answer: Any
        if line.strip() == "time":
            runs = [model(samples[number])[1] for number in job["timed"]]
            answer = {part: 1e3 * sum(r[part] for r in runs) / len(runs) for part in runs[0]}
        else:
            heads: dict[str, list[int]] = {}
            for features in samples:
                for head, value in model(features)[0].items():
                    heads.setdefault(head, []).append(int(np.argmax(value)))
            answer = heads
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()

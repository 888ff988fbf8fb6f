"""The process in which the TFLite tools run: ``python -m ... TASK FOLDER``.

It reads its inputs from the folder and leaves a result or a failure there.
"""

from __future__ import annotations

import faulthandler
import io
import json
import os
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import msgspec
import numpy as np

from .tflite_process import FAILURE, RESULT, Failure

PROGRAM, GRAPH, RANGES, RECIPE = "program.pt2", "graph.tflite", "ranges.json", "recipe.json"


def export(folder: Path) -> bytes:
    """An exported program to a TFLite file."""
    import torch

    torch.set_num_threads(1)
    litert_torch = import_module("litert_torch")
    program = torch.export.load(io.BytesIO((folder / PROGRAM).read_bytes()))
    arguments, _ = program.example_inputs or ((), {})
    with torch.no_grad():
        edge = litert_torch.convert(program.module(), tuple(arguments))
    content = bytes(edge.model_content())
    _try(content)
    return content


def quantise(folder: Path) -> bytes:
    """A float TFLite file, ranges and a recipe to a quantised one."""
    quantizer = import_module("ai_edge_quantizer.quantizer")
    recipe = json.loads((folder / RECIPE).read_bytes())
    ranges = json.loads((folder / RANGES).read_bytes())
    work = quantizer.Quantizer(bytearray((folder / GRAPH).read_bytes()), recipe)
    known = {
        name: {"min": np.array([low], np.float32), "max": np.array([high], np.float32)}
        for name, (low, high) in ranges.items()
    }
    done = work.quantize(known if work.need_calibration else None, enable_progress_report=False)
    content = bytes(done.quantized_model)
    _try(content)
    return content


def _try(content: bytes) -> None:
    """Load and run the graph once here, where a crash harms nobody."""
    interpreter = import_module("ai_edge_litert.interpreter").Interpreter(
        model_content=content, num_threads=1
    )
    interpreter.allocate_tensors()
    for detail in interpreter.get_input_details():
        # a length is at least 1; everything else may be 0
        fill = np.ones if tuple(detail["shape"]) == (1,) else np.zeros
        interpreter.set_tensor(detail["index"], fill(detail["shape"], detail["dtype"]))
    interpreter.invoke()


TASKS: dict[str, Callable[[Path], bytes]] = {"export": export, "quantise": quantise}


def main(task: str, place: str) -> int:
    """Do one task; 0 if there is a result, 1 if there is a failure."""
    faulthandler.enable()
    folder = Path(place)
    try:
        (folder / RESULT).write_bytes(TASKS[task](folder))
    except Exception as error:  # the tools raise whatever their many stages raise
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        failure = Failure(
            kind=type(error).__name__,
            message=(lines or ["no reason given"])[0],
            missing=isinstance(error, ModuleNotFoundError),
        )
        (folder / FAILURE).write_bytes(msgspec.json.encode(failure))
        return 1
    return 0


if __name__ == "__main__":
    status = main(*sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    # some of the tools' libraries crash while they are unloaded, after the result is written
    os._exit(status)

"""Olive's workflow from torch: ``OnnxConversion``, then ``OnnxStaticQuantization``.

Usage: olive_from_torch.py JOB.json [--dynamo], with ``graphs`` as ``modules.py`` makes them.
Without ``--dynamo`` both passes have their defaults: the conversion is by torch's older exporter,
by a trace. The example that it wants is the first calibration input.
"""

from __future__ import annotations

import inspect
import json
import sys
from pathlib import Path
from typing import Any

from job import Job
from olive_workflow import convert_all

# isort: split
import torch
from torch.package.package_importer import PackageImporter


def load(path: str) -> torch.nn.Module:
    """The module of a package."""
    module: torch.nn.Module = PackageImporter(path).load_pickle("part", "module.pkl")
    return module


def main() -> None:
    job = Job()
    dynamo = "--dynamo" in sys.argv[2:]

    def input_model(part: str, package: str) -> dict[str, Any]:
        told = json.loads(Path(package).with_suffix(".json").read_text())
        example = {n: torch.from_numpy(job.feeds(part)[0][n]) for n in told["inputs"]}
        given: Any = tuple(example.values())
        io: dict[str, Any] = {"input_names": told["inputs"], "output_names": told["outputs"]}
        if told["dynamic"] and dynamo:
            # It takes lengths by the names of forward alone; those of the graph are ours.
            parameters = inspect.signature(load(package).forward).parameters
            named = dict(zip(parameters, told["inputs"], strict=False))
            given = {own: example[name] for own, name in named.items()}
            io["dynamic_shapes"] = {own: told["dynamic"].get(n) for own, n in named.items()}
        elif told["dynamic"]:
            io["dynamic_axes"] = told["dynamic"]
        return {
            "type": "PyTorchModel",
            "model_path": package,
            "model_loader": load,
            "dummy_inputs_func": lambda _: given,
            "io_config": io,
        }

    convert = {"type": "OnnxConversion", "use_dynamo_exporter": dynamo}
    convert_all(job, input_model, {"convert": convert})


if __name__ == "__main__":
    main()

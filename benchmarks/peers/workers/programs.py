"""The parts of a checkpoint as captured torch programs, for peers that start from torch.

Run by the project's own Python: ``programs.py JOB.json``, with ``checkpoint``, ``fixed`` (by part,
what is padded, as a TFLite note has it) and ``out``, a folder. Beside each ``PART.pt2``,
``PART.json`` has the names and dtypes of its inputs and the names of its outputs.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import msgspec
import torch

from edge_sdk.bundle.fixed_length import FixedLength
from edge_sdk.converters.export.tflite import padded_program
from edge_sdk.converters.sources import as_origin, read_source


def main() -> None:
    job = json.loads(Path(sys.argv[1]).read_text())
    out = Path(job["out"])
    for spec in read_source(as_origin(job["checkpoint"])).parts:
        fixed = tuple(msgspec.convert(job["fixed"].get(spec.name, []), list[FixedLength]))
        program, _ = padded_program(spec, fixed)
        torch.export.save(program, out / f"{spec.name}.pt2")
        names = [*spec.inputs, *(one.length for one in fixed)]
        kinds = [str(value.dtype).removeprefix("torch.") for value in program.example_inputs[0]]
        told = {"inputs": dict(zip(names, kinds, strict=True)), "outputs": spec.outputs}
        (out / f"{spec.name}.json").write_text(json.dumps(told))


if __name__ == "__main__":
    main()

"""The parts of a checkpoint as torch modules with their own code, for peers that start from torch.

Run by the project's own Python: ``modules.py JOB.json``, with ``checkpoint`` and ``out``, a folder.
A ``PART.package`` is loaded where the SDK is not installed; beside it, ``PART.json`` has the names
of the inputs and outputs, and by input the axes of any length with their names.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from torch.package.package_exporter import PackageExporter

from edge_sdk.converters.sources import as_origin, read_source

_MODELS = "edge_sdk.converters.fusion"


def main() -> None:
    job = json.loads(Path(sys.argv[1]).read_text())
    out = Path(job["out"])
    for spec in read_source(as_origin(job["checkpoint"])).parts:
        assert spec.module is not None, "a checkpoint has modules"
        with PackageExporter(out / f"{spec.name}.package") as package:
            # A module that is built needs its description no more.
            package.mock(f"{_MODELS}.config")
            package.intern(f"{_MODELS}.*")
            package.extern("torch.**")
            package.mock("edge_sdk.**")
            package.save_pickle("part", "module.pkl", spec.module.eval())
        dynamic = {name: {str(axis): called} for name, (axis, called) in spec.dynamic.items()}
        told = {"inputs": spec.inputs, "outputs": spec.outputs, "dynamic": dynamic}
        (out / f"{spec.name}.json").write_text(json.dumps(told))


if __name__ == "__main__":
    main()

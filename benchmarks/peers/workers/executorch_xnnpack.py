"""ExecuTorch's XNNPACK back end: its quantiser, static int8, weights by channel, else defaults.

The quantiser knows no GRU: its gates stay float, and lowering unrolls it, a delegate call a step.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import torch
from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
from executorch.backends.xnnpack.quantizer.xnnpack_quantizer import (
    XNNPACKQuantizer,
    get_symmetric_quantization_config,
)
from executorch.exir import to_edge_transform_and_lower
from job import Job, padded
from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e


class FloatsAlone(XNNPACKQuantizer):  # type: ignore[misc]
    """It makes float tensors of scalars in arithmetic on indices too, which then index nothing."""

    def transform_for_annotation(self, model: torch.fx.GraphModule) -> torch.fx.GraphModule:
        return model


def main() -> None:
    torch.set_num_threads(1)
    job = Job()

    def one(part: str, graph: str, target: str) -> None:
        names = Path(graph).with_suffix(".json")
        kinds = json.loads(names.read_text())["inputs"]
        program = torch.export.load(graph)
        quantiser = FloatsAlone().set_global(get_symmetric_quantization_config(is_per_channel=True))
        quantiser.set_filter_function(is_float)
        prepared = prepare_pt2e(program.module(), quantiser)
        with torch.no_grad():
            for feed in job.feeds(part):
                feed = padded(feed, job.fixed.get(part, []))
                prepared(*(tensor(feed[name], kind) for name, kind in kinds.items()))
            quantised = torch.export.export(convert_pt2e(prepared), program.example_inputs[0])
        lowered = to_edge_transform_and_lower(quantised, partitioner=[XnnpackPartitioner()])
        Path(target).write_bytes(lowered.to_executorch().buffer)
        shutil.copyfile(names, Path(target).with_suffix(".json"))

    job.convert(".pte", one)


def is_float(node: Any) -> bool:
    """Whether a node of a graph gives floats."""
    value = node.meta.get("val")
    return value is not None and value.dtype.is_floating_point


def tensor(value: Any, kind: str) -> torch.Tensor:
    """An array in the dtype that a program takes."""
    return torch.from_numpy(np.ascontiguousarray(value, dtype=kind))


if __name__ == "__main__":
    main()

"""A bundle as heavy for this machine as a large model is for a board, with a ladder of rungs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import msgspec

from edge_sdk.errors import DataError
from edge_sdk.samples import INDEX, SampleSet

from ..bench import ENGINE, MODALITIES, Bench
from ..process import edge_sdk, measure_success

#: 2.5 billion multiply-accumulates a picture: between EfficientNet-B3 (1.8) and ResNet-50 (4.1).
IMAGE: dict[str, Any] = {
    "stem": 64,
    "stages": [
        {"channels": 64, "depth": 1, "expand": 2, "stride": 1},
        {"channels": 112, "depth": 2, "expand": 4, "stride": 2},
        {"channels": 224, "depth": 3, "expand": 4, "stride": 2},
        {"channels": 384, "depth": 3, "expand": 4, "stride": 2},
    ],
    "top": 1280,
}
_PIXELS = 224
#: Enough to calibrate with; what such weights answer says nothing anyway.
_SAMPLES = 40
_RECIPE = """
engines = ["{engine}"]
variants = ["full", "small", "audio-only"]
small_drop = 100.0
[budgets]
max_drop = 100.0
[chosen.{engine}.full.parts]
audio = "int8"
image = "fp32"
text = "int8"
head = "int8"
[chosen.{engine}.small.parts]
audio = "int8"
image = "int8"
text = "int8"
head = "int8"
"""
# Fresh weights: times do not depend on them. In another process: benchmarks convert nothing.
_MAKE = """
import sys
from pathlib import Path
import msgspec
from edge_sdk.converters.fusion.checkpointing import save_checkpoint
from edge_sdk.converters.fusion.config import ModelConfig
from edge_sdk.converters.fusion.model import FusionModel
config = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=ModelConfig)
save_checkpoint(sys.argv[2], FusionModel.from_config(config), config)
"""


def heavy_bundle(bench: Bench) -> Path:
    """The shipped model with a large picture encoder: ``full`` in fp32, ``small``, ``audio-only``.

    Raises:
        DeviceError: it cannot be made.
        DataError: the sample sets are too small.
    """
    path = bench.scratch / "heavy.edge"
    if path.exists():
        return path
    config = msgspec.json.decode((bench.checkpoint / "config.json").read_bytes())
    config["name"] += "-heavy"
    config["frontends"]["image"].update(height=_PIXELS, width=_PIXELS)
    config["model"]["image"].update(IMAGE)
    wanted, recipe = bench.scratch / "heavy.json", bench.scratch / "heavy.toml"
    wanted.write_bytes(msgspec.json.encode(config))
    recipe.write_text(_RECIPE.format(engine=ENGINE))
    checkpoint = bench.scratch / "heavy-checkpoint"
    measure_success([sys.executable, "-c", _MAKE, str(wanted), str(checkpoint)])
    measure_success(
        edge_sdk(
            *("convert", str(checkpoint), "--recipe", str(recipe)),
            *("--calibration", str(_some(bench, "calibration"))),
            *("--evaluation", str(_some(bench, "held-out"))),
            *("--no-cache", "--output", str(path)),
        )
    )
    return path


def _some(bench: Bench, name: str) -> Path:
    """A sample set of the first whole samples of another one."""
    found = SampleSet.open(bench.data / name)
    whole = [sample for sample in found if set(MODALITIES) <= set(sample.modalities)][:_SAMPLES]
    if len(whole) < _SAMPLES:
        raise DataError(
            f"The sample set at {found.root} has {len(whole)} samples with "
            f"{', '.join(MODALITIES)}; {_SAMPLES} are needed."
        )
    folder = bench.scratch / f"some-{name}"
    for sample in whole:
        for path in sample.paths:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            # A set holds its files itself: a link out of its folder is none of them.
            (folder / path).write_bytes(found.path(path).read_bytes())
    lines = b"".join(msgspec.json.encode(sample) + b"\n" for sample in whole)
    (folder / INDEX).write_bytes(lines)
    return folder

"""The checkpoint for three targets and three engines in one run, nothing cached."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

from ..bench import Bench
from ..figure import Figure, Reading
from ..process import edge_sdk
from ..tree import measure_tree

LIMIT_SECONDS, GOAL_SECONDS = 600.0, 360.0
LIMIT_MB = 3000.0


def measure(bench: Bench) -> Iterator[Reading]:
    """Wall and CPU time, and the most that the processes of the run took together."""
    place = bench.scratch / "three-targets"
    place.mkdir()
    targets = (str(_with_litert(place)), "jetson-orin-nano", "x86-64-v3")
    command = edge_sdk(
        *("convert", str(bench.checkpoint), "--no-cache", "--output", str(place)),
        *(word for target in targets for word in ("--target", target)),
        *("--calibration", str(bench.data / "calibration")),
        *("--evaluation", str(bench.data / "held-out")),
    )
    used = measure_tree(command)
    what = "rpi5 with LiteRT, jetson-orin-nano and x86-64-v3 in one run, nothing cached"
    for kind, unit, value, limit, goal in (
        ("wall time", "s", used.seconds, LIMIT_SECONDS, GOAL_SECONDS),
        ("CPU time", "s", used.cpu_seconds, LIMIT_SECONDS, GOAL_SECONDS),
        ("peak memory of all processes", "MB", used.peak_bytes / 1e6, LIMIT_MB, LIMIT_MB),
    ):
        yield Reading(
            what=f"{what}: {kind}",
            unit=unit,
            values=(value,),
            limit=limit,
            goal=goal,
            detail=f"gate on {len(bench.held_out)} held-out samples",
        )


def _with_litert(folder: Path) -> Path:
    """The profile rpi5 with an edition for LiteRT beside ONNX Runtime's."""
    text = resources.files("edge_sdk.targets").joinpath("rpi5.toml").read_text()
    path = folder / "rpi5.toml"
    path.write_text(re.sub(r"(?m)^engines = .*$", 'engines = ["onnxruntime", "litert"]', text))
    return path


FIGURE = Figure("three-targets", "a conversion for three targets and three engines", measure)

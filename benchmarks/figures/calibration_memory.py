"""Whether calibration on many samples takes more memory than on few."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path

import msgspec

from edge_sdk.samples import Sample, SampleSet, write_index

from ..bench import Bench
from ..figure import Figure, Reading
from ..process import edge_sdk
from ..tree import measure_tree

FEW, MANY, JUDGING = 100, 2000, 32
LIMIT = 1.2


def measure(bench: Bench) -> Iterator[Reading]:
    """The peak of two conversions that find their exported graphs in the cache.

    The samples are those of calibration, repeated until there are enough: what they hold does not
    matter here, how many come does.
    """
    place = bench.scratch / "calibration-memory"
    judging, calibration = place / "judging", place / "calibration"
    for folder in (judging, calibration):
        shutil.copytree(bench.data / "calibration", folder)
    samples = list(SampleSet.open(calibration))
    write_index(judging, samples[:JUDGING])
    peaks = []
    # The first conversion also exports; its peak does not count.
    for number, count in enumerate((FEW, FEW, MANY)):
        write_index(calibration, _repeated(samples, count, number))
        peaks.append(_peak(bench.checkpoint, place, number))
    _, few, many = peaks
    yield Reading(
        what=f"peak memory of a conversion, {MANY} calibration samples over {FEW}",
        unit="x",
        values=(many / few,),
        limit=LIMIT,
        detail=f"{many:.0f} over {few:.0f} MB, all its processes; exported graphs cached",
    )


def _repeated(samples: list[Sample], count: int, number: int) -> list[Sample]:
    """``count`` samples under names that no other run has: no stage is cached for them."""
    return [
        msgspec.structs.replace(sample, id=f"{number}-{place}")
        for place, sample in enumerate(islice(cycle(samples), count))
    ]


def _peak(checkpoint: Path, place: Path, number: int) -> float:
    used = measure_tree(
        edge_sdk(
            *("convert", str(checkpoint), "--precision", "int8", "--max-drop", "100"),
            *("--calibration", str(place / "calibration")),
            *("--evaluation", str(place / "judging")),
            *("--cache", str(place / "cache"), "--output", str(place / f"{number}.edge")),
        )
    )
    return used.peak_bytes / 1e6


FIGURE = Figure("calibration-memory", "memory of calibration on many samples", measure)

"""Which samples calibrate and which judge: never the same, where there are enough."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import msgspec

from edge_sdk.errors import DataError
from edge_sdk.samples import Sample, SampleSet

# The fewest samples with a modality from which its activation ranges are taken.
MINIMUM = 32
# Without an evaluation set, every so many samples one is kept out of calibration.
_HELD_OUT = 4


class Split(msgspec.Struct, frozen=True):
    """The samples to calibrate with, the samples to judge by, and where the latter come from."""

    calibration: SampleSet
    evaluation: SampleSet
    source: Literal["evaluation set", "held-out share of the calibration set", "calibration set"]

    def warnings(self) -> list[str]:
        """What the user should know about the split."""
        if self.source != "calibration set":
            return []
        return [
            f"The gate used the {len(self.evaluation)} calibration samples themselves, for want "
            "of more: give an evaluation set to know what held-out samples lose."
        ]


def split_data(
    calibration: str | Path, evaluation: str | Path | None, modalities: Sequence[str]
) -> Split:
    """Open the sample sets and decide which sample does what.

    Raises:
        DataError: a set is missing or malformed, or has fewer than :data:`MINIMUM` samples with
            one of ``modalities``.
    """
    samples = SampleSet.open(calibration)
    for modality in modalities:
        count = _fewest(samples, (modality,))
        if count < MINIMUM:
            raise DataError(
                f"The calibration set at {samples.root} has {count} samples with {modality}; "
                f"at least {MINIMUM} real ones are needed."
            )
    if evaluation is not None:
        return Split(samples, SampleSet.open(evaluation), "evaluation set")
    held = [s for i, s in enumerate(samples) if i % _HELD_OUT == _HELD_OUT - 1]
    rest = [s for i, s in enumerate(samples) if i % _HELD_OUT != _HELD_OUT - 1]
    if _fewest(rest, modalities) < MINIMUM:
        return Split(samples, samples, "calibration set")
    source: Literal["held-out share of the calibration set"] = (
        "held-out share of the calibration set"
    )
    return Split(samples.subset(rest), samples.subset(held), source)


def _fewest(samples: Sequence[Sample], modalities: Sequence[str]) -> int:
    return min(sum(m in s.modalities for s in samples) for m in modalities)

"""Which samples calibrate and which judge: never the same, where there are enough."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import msgspec

from edge_sdk.errors import DataError
from edge_sdk.samples import Sample, SampleSet

from .overlap import apart

# The fewest samples with a modality from which its activation ranges are taken.
MINIMUM = 32
# Without an evaluation set, every so many samples one is kept out of calibration.
_HELD_OUT = 4


class Split(msgspec.Struct, frozen=True):
    """The samples to calibrate with, the samples to judge by, and where the latter come from.

    ``recovery`` are samples to train on, None where those to calibrate with are to do; ``judged``
    is how many were left out of them because they are evaluation samples.
    """

    calibration: SampleSet
    evaluation: SampleSet
    source: Literal["evaluation set", "held-out share of the calibration set", "calibration set"]
    recovery: SampleSet | None = None
    judged: int = 0

    @property
    def training(self) -> SampleSet:
        """The samples that pruned and quantised models are trained on."""
        return self.calibration if self.recovery is None else self.recovery

    def warnings(self) -> list[str]:
        """What the user should know about the split."""
        found = []
        if self.source == "calibration set":
            found.append(
                f"The gate used the {len(self.evaluation)} calibration samples themselves, for "
                "want of more: give an evaluation set to know what held-out samples lose."
            )
        if self.judged:
            found.append(
                f"{self.judged} samples for recovery are evaluation samples too, and were left "
                "out of the training."
            )
        return found


def split_data(
    calibration: str | Path,
    evaluation: str | Path | None,
    modalities: Sequence[str],
    recovery: str | Path | None = None,
) -> Split:
    """Open the sample sets and decide which sample does what.

    ``recovery`` is a set to train on; whichever of its samples judge are left out.

    Raises:
        DataError: a set is missing or malformed, has fewer than :data:`MINIMUM` samples with
            one of ``modalities``, or nothing but evaluation samples to train on.
    """
    split = _split(calibration, evaluation, modalities)
    if recovery is None:
        return split
    given = SampleSet.open(recovery)
    left = apart(given, split.evaluation)
    if not len(left):
        raise DataError(
            f"All samples of the recovery set at {given.root} are evaluation samples, which a "
            "model must not be trained on: give others."
        )
    return msgspec.structs.replace(split, recovery=left, judged=len(given) - len(left))


def _split(
    calibration: str | Path, evaluation: str | Path | None, modalities: Sequence[str]
) -> Split:
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

"""What recovery trains on: the training share of the data, never what the model is judged by."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
from torch import nn

from edge_sdk.bundle.manifest import Head
from edge_sdk.frontends.config import FrontendsConfig
from edge_sdk.samples import Sample, SampleSet

from ..progress import Progress, silent
from .plan import Recovery

# Every so many samples of the training share, one watches for the best epoch.
_VALIDATION = 5


class RecoveryData(msgspec.Struct, frozen=True, kw_only=True):
    """What a ``finetune(model, data)`` of the user's is given.

    Attributes:
        samples: to train on.
        validation: to choose the best epoch by; also of the training share.
        teacher: the unpruned model.
        frontends: the front-ends' configuration.
        heads: what the model answers.
        recovery: the plan's bounds (epochs, minutes, rate), to be kept to.
        seed: of everything that is drawn.
        progress: to be called with a stage, what is done and what is to do.
    """

    samples: SampleSet
    validation: SampleSet
    teacher: nn.Module
    frontends: FrontendsConfig
    heads: tuple[Head, ...]
    recovery: Recovery
    seed: int
    progress: Progress = silent


def shares(samples: SampleSet, seed: int) -> tuple[SampleSet, SampleSet]:
    """Samples to train on, and samples to choose the best epoch by."""
    order = np.random.default_rng(seed).permutation(len(samples))
    held = set(order[: max(1, len(samples) // _VALIDATION)].tolist())
    picked: tuple[list[Sample], list[Sample]] = ([], [])
    for i, sample in enumerate(samples):
        picked[i in held].append(sample)
    return samples.subset(picked[0]), samples.subset(picked[1])


def some(samples: Sequence[Sample], count: int, seed: int) -> list[Sample]:
    """So many of the samples, drawn without repetition, in their order."""
    order = np.random.default_rng(seed).permutation(len(samples))[:count]
    return [samples[i] for i in sorted(order.tolist())]

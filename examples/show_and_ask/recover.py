"""Recover a pruned demo model on the stream it was trained on: a ``finetune`` hook.

Give it as ``--finetune examples.show_and_ask.recover:finetune``; ``RECOVER_POOL`` and
``RECOVER_STEPS`` set the examples to render and the batches an epoch.
"""

from __future__ import annotations

import os
from typing import Any

import torch

from edge_sdk.converters.fusion.evaluate import evaluate
from edge_sdk.converters.fusion.model import FusionModel
from edge_sdk.converters.fusion.train import TrainConfig, fit
from edge_sdk.errors import UsageError
from edge_sdk.frontends import Frontends

from .data.commands import NOT_FOR_ME
from .data.fetch import default_cache
from .data.training import LABELS, TrainingSource
from .feeding import Feeder, render_pools
from .train import ALONE, NOT_FOR_ME_WEIGHT, validation_batches

_BATCH = 72


def finetune(model: torch.nn.Module, data: Any) -> None:
    """Train ``model`` in place with the unpruned one as teacher; ``data`` as the SDK gives it.

    The training source's voices, wordings and pictures are none of the held-out set's.
    """
    if not isinstance(model, FusionModel) or not isinstance(data.teacher, FusionModel):
        raise UsageError("This recovers the demo's fusion model only.")
    pool = int(os.environ.get("RECOVER_POOL", "10000"))
    steps = int(os.environ.get("RECOVER_STEPS", "150"))
    torch.set_num_threads(1)
    cache, config = default_cache(), model.config
    frontends, heads = Frontends(config.frontends), config.model.heads
    data.progress("render", 0, 2)
    pools = render_pools(
        [TrainingSource(data.seed, cache)], frontends, heads, count=pool, seed=data.seed, jobs=1
    )
    data.progress("render", 1, 2)
    validation = validation_batches(
        TrainingSource(data.seed, cache, split="validation"), frontends, config
    )
    feeder = Feeder(pools, frontends, heads, size=_BATCH, seed=data.seed)
    plan = data.recovery
    fit(
        model,
        lambda epoch: feeder.batches(epoch, steps),
        lambda student: evaluate(student, validation),
        TrainConfig(
            epochs=plan.epochs,
            steps_per_epoch=steps,
            peak_rate=plan.rate,
            warmup_steps=60,
            average=0.995,
            patience=plan.patience,
            teacher_weight=plan.teacher_weight,
            embedding_weight=plan.embedding_weight,
            seed=data.seed,
            max_seconds=60 * plan.minutes,
        ),
        alone=ALONE,
        teacher=data.teacher,
        class_weights={
            "intent": [NOT_FOR_ME_WEIGHT if i == NOT_FOR_ME else 1.0 for i in LABELS["intent"]]
        },
    )

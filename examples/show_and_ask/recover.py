"""Recover a pruned demo model on the stream it was trained on: a ``finetune`` hook.

Give it as ``--finetune examples.show_and_ask.recover:finetune``; ``RECOVER_POOL`` and
``RECOVER_STEPS`` set the examples to render and the batches an epoch. With ``RECOVER_STATE``, a
folder, it keeps what it has rendered and learned there, and goes on from it after a kill. With
``RECOVER_START``, a checkpoint of the same plan, it begins with those weights.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import kl_div, log_softmax

from edge_sdk.converters.checkpoint import read_checkpoint
from edge_sdk.converters.fusion.batch import Batch
from edge_sdk.converters.fusion.evaluate import evaluate, predict
from edge_sdk.converters.fusion.model import FusionModel
from edge_sdk.converters.fusion.train import TrainConfig, fit
from edge_sdk.errors import UsageError
from edge_sdk.frontends import Frontends

from .data.fetch import default_cache
from .data.training import TrainingSource
from .feeding import Feeder, Pools, render_pools
from .pools import joined, load_pools, save_pools
from .train import ALONE, CLASS_WEIGHTS, SOURCES, validation_batches

_BATCH = 72
# Rendered and kept by so many examples.
_SHARE = 4032


def finetune(model: torch.nn.Module, data: Any) -> None:
    """Train ``model`` in place with the unpruned one as teacher; ``data`` as the SDK gives it.

    What pruning left as it was (by its shapes) keeps its weights too. The training source's
    voices, wordings and pictures are none of the held-out set's.
    """
    if not isinstance(model, FusionModel) or not isinstance(data.teacher, FusionModel):
        raise UsageError("This recovers the demo's fusion model only.")
    pool = int(os.environ.get("RECOVER_POOL", "16128"))
    steps = int(os.environ.get("RECOVER_STEPS", "60"))
    folder = os.environ.get("RECOVER_STATE")
    state = Path(folder) if folder else None
    start = os.environ.get("RECOVER_START")
    if start:
        begin_with(model, Path(start))
    torch.set_num_threads(1)
    config = model.config
    frontends, heads = Frontends(config.frontends), config.model.heads
    cache = default_cache()
    pools = joined([*_rendered(data, cache, model, pool, state)])
    validation = validation_batches(
        TrainingSource(data.seed, cache, split="validation"), frontends, config
    )
    # the answers of the unpruned model: finer than macro-F1 on a few hundred examples
    wanted = predict(data.teacher, validation)
    feeder = Feeder(pools, frontends, heads, size=_BATCH, seed=data.seed)
    with frozen(model, data.teacher):
        fit(
            model,
            lambda epoch: feeder.batches(epoch, steps),
            lambda student: evaluate(student, validation),
            how(data, steps),
            alone=ALONE,
            score=lambda student: -divergence(student, wanted, validation),
            teacher=data.teacher,
            class_weights=CLASS_WEIGHTS,
            resume=None if state is None else state / "training.pt",
        )


def how(data: Any, steps: int) -> TrainConfig:
    """The training that the plan asks for; ``data`` as the SDK gives it to a hook."""
    plan = data.recovery
    return TrainConfig(
        epochs=plan.epochs,
        steps_per_epoch=steps,
        peak_rate=plan.rate,
        warmup_steps=60,
        average=0.99,
        patience=plan.patience,
        teacher_weight=plan.teacher_weight,
        embedding_weight=plan.embedding_weight,
        seed=data.seed,
        max_seconds=60 * plan.minutes,
    )


def divergence(
    student: FusionModel, wanted: Mapping[str, NDArray[np.float32]], validation: Sequence[Batch]
) -> float:
    """The mean Kullback-Leibler divergence from the logits ``wanted``, summed over the heads."""
    given = predict(student, validation)
    total = 0.0
    for head, logits in given.items():
        mine, aim = (log_softmax(torch.from_numpy(x), 1) for x in (logits, wanted[head]))
        total += float(kl_div(mine, aim, log_target=True, reduction="batchmean"))
    return total


def begin_with(model: FusionModel, folder: Path) -> None:
    """Give ``model`` the weights of the checkpoint in ``folder``.

    Raises:
        UsageError: it was pruned by another plan.
    """
    before = read_checkpoint(folder).model.state_dict()
    if {n: t.shape for n, t in before.items()} != {
        n: t.shape for n, t in model.state_dict().items()
    }:
        raise UsageError(f"RECOVER_START: {folder} was pruned by another plan.")
    model.load_state_dict(before)


def _rendered(
    data: Any, cache: Path, model: FusionModel, count: int, state: Path | None
) -> Iterator[Pools]:
    """The material in shares; those that are in ``state`` are not rendered again."""
    frontends, heads = Frontends(model.config.frontends), model.config.model.heads
    sources: list[TrainingSource] = []
    shares = -(-count // _SHARE)
    for number in range(shares):
        data.progress("render", number, shares)
        kept = None if state is None else state / f"pool-{data.seed}-{number}.npz"
        if kept is not None and kept.exists():
            yield load_pools(kept)
            continue
        if not sources:
            # each seed of the source has other voices say the sentences
            sources = [TrainingSource(SOURCES * data.seed + n, cache) for n in range(SOURCES)]
        seed = 1000 * data.seed + number
        made = render_pools(sources, frontends, heads, count=_SHARE, seed=seed, jobs=1)
        if kept is not None:
            save_pools(kept, made)
        yield made
    data.progress("render", shares, shares)


@contextmanager
def frozen(model: FusionModel, teacher: FusionModel) -> Iterator[None]:
    """Within the block the parts that pruning left alone do not learn, and drop nothing out."""
    still = [
        part
        for part, other in zip(model.parts().values(), teacher.parts().values(), strict=True)
        if [p.shape for p in part.parameters()] == [p.shape for p in other.parameters()]
    ]
    weights = [p for part in still for p in part.parameters()]
    dropouts = [m for part in still for m in part.modules() if isinstance(m, torch.nn.Dropout)]
    chances = [m.p for m in dropouts]
    try:
        for weight in weights:
            weight.requires_grad_(False)
        for module in dropouts:
            module.p = 0.0
        yield
    finally:
        for weight in weights:
            weight.requires_grad_(True)
        for module, chance in zip(dropouts, chances, strict=True):
            module.p = chance

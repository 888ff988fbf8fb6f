"""Recovery of a reference model: its own training loop, with the unpruned model as teacher."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from edge_sdk.frontends import Frontends

from ..fusion.augment import drop_tokens, mask_features
from ..fusion.averaging import copy_state
from ..fusion.batch import Batch, Example, collate
from ..fusion.dataset import SampleExamples
from ..fusion.evaluate import evaluate, mean_f1, predict
from ..fusion.metrics import HeadMetrics, classification_metrics
from ..fusion.model import FusionModel
from ..fusion.train import TrainConfig, fit
from .data import RecoveryData
from .report import Epoch, RecoveryReport


def finetune(model: FusionModel, teacher: FusionModel, data: RecoveryData) -> RecoveryReport:
    """Train ``model`` in place on the samples of ``data``; its best epoch stays.

    Where no epoch is better than the raw model on the validation share, that stays.
    """
    heads = model.config.model.heads
    names = [head.name for head in heads]
    frontends = Frontends(data.frontends)
    examples = _examples(SampleExamples(data.samples, frontends, heads), data, "read training")
    watching = list(SampleExamples(data.validation, frontends, heads).batches(64))
    wanted = predict(teacher, watching)
    plan = data.recovery
    steps = max(1, len(examples) // plan.batch)

    def batches(epoch: int) -> Iterator[Batch]:
        rng = np.random.default_rng([data.seed, epoch])
        order = rng.permutation(len(examples))
        for step in range(steps):
            data.progress("recover", epoch * steps + step, plan.epochs * steps)
            rows = order[step * plan.batch : (step + 1) * plan.batch]
            made = [_varied(examples[row], rng) for row in rows]
            yield collate(made, model.modalities, names)

    def validate(student: FusionModel) -> Mapping[str, HeadMetrics]:
        found = evaluate(student, watching)
        if found:
            return found
        # Without labels: how often it answers as the teacher does.
        mine = predict(student, watching)
        return {
            head.name: classification_metrics(
                wanted[head.name].argmax(1), mine[head.name].argmax(1), head.labels
            )
            for head in heads
        }

    raw, raw_score = copy_state(model), mean_f1(validate(model))
    history = fit(
        model,
        batches,
        validate,
        TrainConfig(
            epochs=plan.epochs,
            steps_per_epoch=steps,
            peak_rate=plan.rate,
            warmup_steps=min(20, steps),
            average=0.98,
            patience=plan.patience,
            teacher_weight=plan.teacher_weight,
            embedding_weight=plan.embedding_weight,
            seed=data.seed,
            max_seconds=60 * plan.minutes,
        ),
        teacher=teacher,
        progress=False,
    )
    data.progress("recover", plan.epochs * steps, plan.epochs * steps)
    best: int | None = history.best
    if raw_score >= history.epochs[history.best].score:
        model.load_state_dict(raw)
        best = None
    return RecoveryReport(
        method="distil",
        samples=len(examples),
        epochs=tuple(Epoch(loss=e.loss, score=e.score, seconds=e.seconds) for e in history.epochs),
        best=best,
    )


def _examples(found: SampleExamples, data: RecoveryData, stage: str) -> list[Example]:
    examples = []
    for done, example in enumerate(found):
        data.progress(stage, done, len(found))
        if example.inputs:
            examples.append(example)
    data.progress(stage, len(found), len(found))
    return examples


def _varied(example: Example, rng: np.random.Generator) -> Example:
    """Stripes of sound and words hidden: few samples, seen often, are soon known by heart."""
    inputs = dict(example.inputs)
    if "audio" in inputs:
        inputs["audio"] = mask_features(inputs["audio"].astype(np.float32), rng)
    if "text" in inputs:
        inputs["text"] = drop_tokens(inputs["text"].astype(np.int64), rng)
    return Example(inputs, example.labels)

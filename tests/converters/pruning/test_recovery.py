"""Recovery: it helps, it keeps to what it is given, and a function of the user's is called."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch
from torch import nn

from edge_sdk.converters.checkpoint import read_checkpoint
from edge_sdk.converters.pruning import (
    Mask,
    PruningPlan,
    Recovery,
    RecoveryData,
    prune_source,
)
from edge_sdk.converters.pruning.distil import distil
from edge_sdk.converters.pruning.model import Parts
from edge_sdk.converters.source import Source, from_checkpoint
from edge_sdk.errors import UsageError
from edge_sdk.samples import SampleSet

from .conftest import halved

seen: list[RecoveryData] = []


def mine(model: nn.Module, data: RecoveryData) -> None:
    """A recovery of the user's."""
    seen.append(data)
    with torch.no_grad():
        for weight in model.parameters():
            weight.zero_()


def failing(model: nn.Module, data: RecoveryData) -> None:
    raise RuntimeError("out of luck")


@pytest.fixture
def source(tiny_checkpoint: Path) -> Source:
    return from_checkpoint(read_checkpoint(tiny_checkpoint))


def planned(**options: Any) -> PruningPlan:
    return PruningPlan(ratio=0.4, criterion="l2", round_to=1, recovery=Recovery(**options))


def test_the_reference_loop_comes_nearer_to_the_teacher(
    source: Source, sample_set: SampleSet
) -> None:
    samples = sample_set.subset(list(sample_set)[:20])
    stages: list[tuple[str, int, int]] = []
    found = prune_source(
        source,
        planned(epochs=3, batch=8),
        training=samples,
        evaluation=sample_set.subset(list(sample_set)[20:26]),
        progress=lambda *stage: stages.append(stage),
    )
    epochs = found.report.recovery.epochs
    assert epochs[-1].loss < epochs[0].loss
    assert found.report.recovery.samples == 16, "a fifth chooses the best epoch"
    assert found.report.evaluation_samples == 6
    assert ("recover", 6, 6) in stages
    assert set(found.report.heads) == {head.name for head in source.heads}


def test_any_model_comes_nearer_to_the_teacher(source: Source, sample_set: SampleSet) -> None:
    pruned, teacher = Parts.of(halved(source).source), Parts.of(source)
    samples = sample_set.subset(list(sample_set)[:10])
    data = RecoveryData(
        samples=samples, validation=samples, teacher=teacher.whole, frontends=source.frontends,
        heads=source.heads, recovery=Recovery(epochs=3, batch=5), seed=0,
    )  # fmt: skip
    report = distil(pruned, teacher, data)
    assert report.best is not None
    assert report.epochs[report.best].score > report.epochs[0].score or report.best == 0
    assert report.epochs[-1].loss < report.epochs[0].loss


def test_the_same_seed_recovers_the_same_model(source: Source, sample_set: SampleSet) -> None:
    samples = sample_set.subset(list(sample_set)[:10])
    digests = {
        prune_source(source, planned(epochs=1, batch=8), training=samples).source.digest
        for _ in range(2)
    }
    assert len(digests) == 1


def test_batch_norms_are_estimated_without_labels(source: Source, sample_set: SampleSet) -> None:
    samples = sample_set.subset(
        [msgspec.structs.replace(sample, labels={}) for sample in list(sample_set)[:10]]
    )
    raw = halved(source, ratio=0.4).source
    found = prune_source(source, planned(method="batch-norm"), training=samples)
    assert found.report.recovery.method == "batch-norm"
    before, after = (dict(s.module.named_buffers()) for s in (raw, found.source) if s.module)
    moved = [name for name in before if name.endswith("running_mean")]
    assert moved
    assert all(not torch.equal(before[name], after[name]) for name in moved)
    assert found.source.module is not None
    assert not found.source.module.training


def test_masked_weights_stay_zero_through_recovery(source: Source, sample_set: SampleSet) -> None:
    samples = sample_set.subset(list(sample_set)[:10])
    plan = msgspec.structs.replace(planned(epochs=1, batch=4), mask=Mask(kind="2:4"))
    found = prune_source(source, plan, training=samples)
    assert found.report.mask is not None
    assert found.report.mask.layers > 3
    assert found.source.module is not None
    for name, weight in found.source.module.named_parameters():
        if name.endswith("embed.weight") and weight.shape[1] % 4 == 0:
            assert ((weight.reshape(-1, 4) == 0).sum(1) >= 2).all()


def test_a_function_of_the_users_is_called(source: Source, sample_set: SampleSet) -> None:
    seen.clear()
    samples = sample_set.subset(list(sample_set)[:10])
    words = f"{__name__}:mine"
    found = prune_source(source, planned(finetune=words), training=samples)
    (data,) = seen
    assert data.teacher is not None
    assert (len(data.samples), len(data.validation)) == (8, 2)
    assert found.report.recovery.method == words
    assert found.source.module is not None
    assert all((weight == 0).all() for weight in found.source.module.parameters())


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("nowhere", "must be package.module:function"),
        ("nowhere:f", "There is no recovery function nowhere:f here"),
        (f"{__name__}:failing", "fails: RuntimeError: out of luck."),
    ],
)
def test_a_function_that_cannot_be_used_is_refused(
    words: str, sentence: str, source: Source, sample_set: SampleSet
) -> None:
    samples = sample_set.subset(list(sample_set)[:5])
    with pytest.raises(UsageError) as caught:
        prune_source(source, planned(finetune=words), training=samples)
    assert sentence in str(caught.value)


def test_taylor_weighs_by_the_samples(source: Source, sample_set: SampleSet) -> None:
    samples = sample_set.subset(list(sample_set)[:6])
    plan = PruningPlan(macs=0.6, round_to=1, samples=6, recovery=Recovery(method="none"))
    found = prune_source(source, plan, training=samples)
    before, after = found.report.macs
    assert after <= 0.6 * before
    assert found.report.difference < 1e-4

"""The training loop: every kind learns, early stopping restores, seeds reproduce."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from edge_sdk.converters.fusion.batch import Batch
from edge_sdk.converters.fusion.evaluate import evaluate, predict
from edge_sdk.converters.fusion.losses import HeadsLoss, balanced_weights, distillation
from edge_sdk.converters.fusion.metrics import HeadMetrics, classification_metrics
from edge_sdk.converters.fusion.model import FusionModel
from edge_sdk.converters.fusion.replicas import Replicas, run_replicas
from edge_sdk.converters.fusion.schedule import learning_rate
from edge_sdk.converters.fusion.train import History, TrainConfig, fit
from edge_sdk.errors import CheckpointError, DataError, DeviceError, UsageError

from .conftest import AUDIO, FUSION, HEADS, TEXT, VIDEO, tiny

Toy = Callable[..., Batch]
QUICK = TrainConfig(
    epochs=4, steps_per_epoch=25, peak_rate=1e-2, warmup_steps=5, smoothing=0.0, average=0.9
)


def train(model: FusionModel, toy: Toy, config: TrainConfig = QUICK, **options: Any) -> History:
    def batches(epoch: int) -> Iterator[Batch]:
        for step in range(config.steps_per_epoch):
            yield toy(model.modalities, seed=1000 * epoch + step + 1)

    held_out = toy(model.modalities, size=64, seed=0)
    return fit(model, batches, lambda m: evaluate(m, [held_out]), config, progress=False, **options)


KINDS = [
    *[{"audio": kind, "image": False, "text": "gru"} for kind in sorted(AUDIO)],
    *[{"audio": "tcn", "image": False, "text": kind} for kind in sorted(TEXT)],
    *[{"audio": "tcn", "image": False, "text": None, "video": kind} for kind in sorted(VIDEO)],
    *[{"audio": "tcn", "image": True, "text": "gru", "fusion": kind} for kind in sorted(FUSION)],
]


@pytest.mark.parametrize("kinds", KINDS, ids=lambda k: "-".join(str(v) for v in k.values()))
def test_every_kind_learns_a_separable_task(toy: Toy, kinds: Mapping[str, str]) -> None:
    model = FusionModel(tiny(**kinds, modality_dropout=0.1))  # type: ignore[arg-type]
    train(model, toy)
    measured = evaluate(model, [toy(model.modalities, size=128, seed=999_999)])
    assert {name: m.accuracy > 0.95 for name, m in measured.items()} == {
        "shape": True,
        "tone": True,
    }, {name: m.accuracy for name, m in measured.items()}


def test_training_is_reproducible(toy: Toy) -> None:
    config = TrainConfig(epochs=2, steps_per_epoch=3, warmup_steps=1)
    models = [FusionModel(tiny(modality_dropout=0.3), seed=1) for _ in range(2)]
    histories = [train(model, toy, config) for model in models]
    first, second = (model.state_dict() for model in models)
    assert all(torch.equal(first[key], second[key]) for key in first)
    assert [e.loss for e in histories[0].epochs] == [e.loss for e in histories[1].epochs]


def test_a_training_that_was_killed_goes_on_as_if_it_had_not_been(toy: Toy, tmp_path: Path) -> None:
    config = TrainConfig(epochs=3, steps_per_epoch=3, warmup_steps=1, average=0.9)
    whole = FusionModel(tiny(modality_dropout=0.3), seed=1)
    expected = train(whole, toy, config)
    state, model = tmp_path / "new" / "state.pt", FusionModel(tiny(modality_dropout=0.3), seed=1)
    asked: list[int] = []

    def batches(epoch: int) -> Iterator[Batch]:
        asked.append(epoch)
        if len(asked) == 3:
            raise KeyboardInterrupt
        for step in range(3):
            yield toy(model.modalities, seed=1000 * epoch + step + 1)

    held_out = toy(model.modalities, size=64, seed=0)
    validate = lambda m: evaluate(m, [held_out])  # noqa: E731
    with pytest.raises(KeyboardInterrupt):
        fit(model, batches, validate, config, progress=False, resume=state)
    again = FusionModel(tiny(modality_dropout=0.3), seed=5)
    history = fit(again, batches, validate, config, progress=False, resume=state)
    assert asked == [0, 1, 2, 2]
    assert [e.loss for e in history.epochs] == [e.loss for e in expected.epochs]
    first, second = whole.state_dict(), again.state_dict()
    assert all(torch.equal(first[key], second[key]) for key in first)
    # What has ended is not trained again; a state of something else is not taken.
    train(FusionModel(tiny(modality_dropout=0.3)), toy, config, resume=state)
    with pytest.raises(CheckpointError, match="is of another model or configuration"):
        train(again, toy, QUICK, resume=state)
    state.write_bytes(b"torn")
    with pytest.raises(CheckpointError, match="is damaged"):
        train(again, toy, config, resume=state)


def score(f1: float) -> dict[str, HeadMetrics]:
    hit = round(f1 * 10)
    return {"x": classification_metrics([0] * 10, [0] * hit + [1] * (10 - hit), ("a", "b"))}


def test_early_stopping_restores_the_best_weights(toy: Toy) -> None:
    model = FusionModel(tiny())
    seen: list[dict[str, torch.Tensor]] = []

    def validate(m: FusionModel) -> dict[str, HeadMetrics]:
        assert not m.training
        seen.append({k: v.clone() for k, v in m.state_dict().items()})
        return score([0.2, 0.9, 0.5, 0.6, 0.7, 1.0][len(seen) - 1])

    config = TrainConfig(epochs=6, steps_per_epoch=2, warmup_steps=0, patience=3)
    batch = toy(model.modalities, size=8)
    history = fit(model, lambda _: [batch] * 2, validate, config, progress=False)
    assert (history.best, history.stopped_early, len(history.epochs)) == (1, True, 5)
    state = model.state_dict()
    assert all(torch.equal(state[key], seen[1][key]) for key in state)
    assert not model.training


def test_unknown_labels_teach_nothing(toy: Toy) -> None:
    loss = HeadsLoss(HEADS)
    logits = {"shape": torch.randn(2, 3, requires_grad=True), "tone": torch.randn(2, 2)}
    none = {"shape": torch.full((2,), -100), "tone": torch.full((2,), -100)}
    value = loss(logits, none)
    assert value.item() == 0.0
    one = {**none, "shape": torch.tensor([-100, 2])}
    expected = torch.nn.functional.cross_entropy(logits["shape"][1:], torch.tensor([2]))
    torch.testing.assert_close(loss(logits, one), expected)


def test_class_weights_are_checked_and_balance() -> None:
    assert balanced_weights([0, 0, 0, 1, -100], 3, power=1.0) == pytest.approx(
        [2 / 3 / (4 / 3), 2 / (4 / 3), 1.0]
    )
    with pytest.raises(UsageError, match="'tone': 3 values"):
        HeadsLoss(HEADS, class_weights={"tone": [1, 2, 3]})


def test_teacher_and_extra_loss_take_part(toy: Toy) -> None:
    teacher = FusionModel(tiny(), seed=7)
    train(teacher, toy, QUICK)
    student = FusionModel(tiny(), seed=8)
    batch = toy(student.modalities, size=32)
    unlabelled = Batch(
        batch.modalities,
        batch.inputs,
        batch.lengths,
        batch.mask,
        {name: torch.full((32,), -100) for name in batch.labels},
    )
    calls = []

    def extra(_: FusionModel, given: Batch, logits: Mapping[str, torch.Tensor]) -> torch.Tensor:
        calls.append(len(given))
        return 0.0 * logits["shape"].sum()

    config = TrainConfig(epochs=2, steps_per_epoch=30, peak_rate=1e-2, warmup_steps=3)
    fit(
        student,
        lambda _: [unlabelled] * 30,
        lambda m: score(0.1 if not calls else len(calls) / 100),
        config,
        teacher=teacher,
        extra_loss=extra,
        progress=False,
    )
    assert calls == [32] * 60
    wanted, given = predict(teacher, [batch]), predict(student, [batch])
    for name in wanted:
        assert (wanted[name].argmax(1) == given[name].argmax(1)).mean() > 0.9


def test_modalities_learn_alone_what_they_are_asked_to(toy: Toy) -> None:
    """Without its own loss the clip stays idle: the picture tells the same sooner."""
    model = FusionModel(tiny(audio="tcn", image=True, text="gru"))

    def batches(epoch: int) -> Iterator[Batch]:
        for step in range(QUICK.steps_per_epoch):
            yield toy(model.modalities, seed=1000 * epoch + step + 1)

    held_out = toy(model.modalities, size=128, seed=0)
    fit(
        model,
        batches,
        lambda m: evaluate(m, [held_out], hide=("image",)),
        QUICK,
        alone={"shape": ("image", "text")},
        progress=False,
    )
    for hidden in (("audio", "image"), ("audio", "text")):
        assert evaluate(model, [held_out], hide=hidden)["shape"].accuracy > 0.9
    with pytest.raises(UsageError, match="'shape' by \\['video'\\]"):
        fit(model, batches, lambda _: {}, QUICK, alone={"shape": ("video",)}, progress=False)


def test_distillation_is_zero_for_equal_answers() -> None:
    logits = torch.randn(4, 5)
    assert distillation(logits, logits).item() == pytest.approx(0.0, abs=1e-6)
    assert distillation(logits, logits.flip(1)).item() > 0


def test_bad_data_is_named(toy: Toy) -> None:
    model = FusionModel(tiny())
    with pytest.raises(DataError, match="no training batches"):
        fit(model, lambda _: [], lambda _: score(1), QUICK, progress=False)
    batch = toy(model.modalities, size=4)
    batch.inputs["image"][0, 0, 0, 0] = float("nan")
    with pytest.raises(DataError, match="became nan in epoch 1, step 1"):
        fit(model, lambda _: [batch], lambda _: score(1), QUICK, progress=False)


def test_the_rate_rises_then_falls() -> None:
    rates = [learning_rate(s, 100, peak=1.0, warmup=10) for s in range(120)]
    assert rates[:11] == sorted(rates[:11])
    assert max(rates) == rates[10] == 1.0
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[-1] == pytest.approx(0.01)


def test_replicas_stay_equal_and_learn(toy: Toy, tmp_path: Path) -> None:
    model = FusionModel(tiny(modality_dropout=0.1))
    held_out = toy(model.modalities, size=64, seed=0)

    def work(replicas: Replicas) -> History:
        def batches(epoch: int) -> Iterator[Batch]:
            for step in range(QUICK.steps_per_epoch):
                seed = 1000 * epoch + 2 * step + replicas.rank + 1
                yield toy(model.modalities, size=16, seed=seed)

        history = fit(
            model,
            batches,
            lambda m: evaluate(m, [held_out]),
            QUICK,
            replicas=replicas,
            progress=False,
        )
        save_file(model.state_dict(), tmp_path / f"{replicas.rank}.safetensors")
        return history

    history = run_replicas(2, model, work)
    assert history.epochs[history.best].score > 0.9
    first, second = (load_file(tmp_path / f"{rank}.safetensors") for rank in range(2))
    assert all(torch.equal(first[key], second[key]) for key in first)


def test_a_lost_replica_ends_the_run() -> None:
    def work(replicas: Replicas) -> None:
        if replicas.rank == 1:
            os._exit(1)
        replicas.average_state(model)

    model = FusionModel(tiny())
    with pytest.raises(DeviceError, match="Another process"):
        run_replicas(2, model, work)

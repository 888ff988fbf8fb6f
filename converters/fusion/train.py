"""The training loop; also the fine-tuning loop that pruning calls, with a teacher."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from math import inf, isfinite
from pathlib import Path
from typing import Any

import msgspec
import torch
from numpy.typing import ArrayLike
from tqdm import tqdm

from edge_sdk.errors import DataError

from .averaging import WeightAverage, copy_state
from .batch import Batch
from .evaluate import mean_f1
from .losses import HeadsLoss
from .metrics import HeadMetrics
from .model import FusionModel
from .objective import ExtraLoss, Objective
from .replicas import Replicas
from .resume import read_state, write_state
from .schedule import learning_rate


class TrainConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How to train. ``patience`` counts epochs without a better validation score.

    ``max_seconds`` bounds the time that the training thread runs (the wall time, on a machine
    that does nothing else): on a slower machine the learning rate falls sooner, so that the run
    still ends at its lowest rate; training is then no longer the same for the same seed.
    ``average`` is the decay of the weight average (0 = none); ``teacher_weight`` and
    ``alone_weight`` are the shares of distillation and of modalities by themselves in the loss;
    ``embedding_weight`` is that of the embeddings' distance within distillation.
    """

    epochs: int = 20
    steps_per_epoch: int = 100
    peak_rate: float = 2e-3
    warmup_steps: int = 100
    weight_decay: float = 0.02
    clip_norm: float = 2.0
    smoothing: float = 0.05
    average: float = 0.0
    patience: int = 10
    teacher_weight: float = 0.5
    embedding_weight: float = 0.0
    alone_weight: float = 0.5
    seed: int = 0
    max_seconds: float | None = None


class Epoch(msgspec.Struct, frozen=True, kw_only=True):
    """One epoch: mean training loss, validation score and macro-F1 a head, wall seconds."""

    loss: float
    score: float
    f1: dict[str, float]
    seconds: float


class History(msgspec.Struct, frozen=True, kw_only=True):
    """What happened: every epoch, and which one the model was restored to (from 0)."""

    epochs: tuple[Epoch, ...]
    best: int
    stopped_early: bool


def fit(
    model: FusionModel,
    train_batches: Callable[[int], Iterable[Batch]],
    validate: Callable[[FusionModel], Mapping[str, HeadMetrics]],
    config: TrainConfig,
    *,
    class_weights: Mapping[str, ArrayLike] | None = None,
    teacher: FusionModel | None = None,
    extra_loss: ExtraLoss | None = None,
    alone: Mapping[str, Sequence[str]] | None = None,
    score: Callable[[FusionModel], float] | None = None,
    replicas: Replicas | None = None,
    resume: Path | None = None,
    progress: bool = True,
) -> History:
    """Train ``model`` in place and leave it in evaluation mode with its best weights.

    Args:
        train_batches: epoch number -> batches; the first ``steps_per_epoch`` of them are used.
        validate: the metrics of each head; early stopping watches their mean macro-F1.
        class_weights: float ``[labels]`` for some heads.
        teacher: a model whose answers the student should keep (same heads).
        extra_loss: ``(model, batch, logits) -> scalar`` added to the loss.
        alone: head -> the modalities that should each be able to answer it by themselves.
        score: what early stopping watches instead; higher is better.
        replicas: this process's place in a run of several (:func:`.replicas.run_replicas`);
            each replica calls ``fit`` with batches of its own.
        resume: a file that keeps the state of the training after each epoch; where it is there,
            training goes on from it, with equal weights as if it had never stopped. Not with
            ``replicas``.
        progress: show a progress bar on standard error.

    Raises:
        CheckpointError: the file of ``resume`` is damaged, or of another model or training.
        DataError: an epoch has no batches, or the loss is not finite.
        StorageError: the file of ``resume`` cannot be written.
        UsageError: class weights or ``alone`` do not fit the model.
    """
    loss = Objective(
        model,
        HeadsLoss(
            model.config.model.heads, smoothing=config.smoothing, class_weights=class_weights
        ),
        alone=alone or {},
        alone_weight=config.alone_weight,
        teacher=teacher,
        teacher_weight=config.teacher_weight,
        embedding_weight=config.embedding_weight,
        extra=extra_loss,
    )
    trainer = _Trainer(model, config, loss, replicas)
    quiet = not progress or (replicas is not None and replicas.rank > 0)
    epochs: list[Epoch] = []
    best, best_score, best_state = 0, -inf, copy_state(model)
    stopped = False
    fits = _describe(model, config)
    if resume is not None and resume.exists():
        held = read_state(resume, fits)
        epochs = msgspec.convert(held["epochs"], list[Epoch])
        best, best_score, best_state = held["best"], held["best_score"], held["best_state"]
        trainer.restore(held["trainer"])
    for number in range(len(epochs), config.epochs):
        begun = time.monotonic()
        mean_loss = trainer.epoch(number, train_batches(number), quiet)
        with trainer.averaged():
            model.eval()
            metrics = validate(model)
            reached = mean_f1(metrics) if score is None else score(model)
            if reached > best_score:
                best, best_score, best_state = number, reached, copy_state(model)
        f1 = {name: m.f1 for name, m in metrics.items()}
        epochs.append(Epoch(loss=mean_loss, score=reached, f1=f1, seconds=time.monotonic() - begun))
        if not quiet:
            tqdm.write(_line(number, epochs[-1]), file=sys.stderr)
        if resume is not None:
            write_state(resume, fits, {
                "epochs": msgspec.to_builtins(epochs), "best": best, "best_score": best_score,
                "best_state": best_state, "trainer": trainer.state(),
            })  # fmt: skip
        if number - best >= config.patience or trainer.out_of_time(number):
            stopped = number + 1 < config.epochs
            break
    model.load_state_dict(best_state)
    model.eval()
    return History(epochs=tuple(epochs), best=best, stopped_early=stopped)


class _Trainer:
    """The weights, the optimiser and the clock."""

    def __init__(
        self, model: FusionModel, config: TrainConfig, loss: Objective, replicas: Replicas | None
    ) -> None:
        # replicas must not hide the same modalities and drop the same units in step
        torch.manual_seed(config.seed + (replicas.rank if replicas is not None else 0))
        self._model, self._config, self._loss, self._replicas = model, config, loss, replicas
        self._optimiser = _optimiser(model, config)
        self._average = WeightAverage(model, config.average) if config.average else None
        self._total = config.epochs * config.steps_per_epoch
        # not the wall clock: what else the machine does must not change the result
        self._started = time.thread_time()
        # agreed between the replicas, so that all of them use the same rate
        self._clock = 0.0

    def epoch(self, number: int, batches: Iterable[Batch], quiet: bool) -> float:
        """Train on the epoch's batches; the mean loss."""
        self._model.train()
        steps = self._config.steps_per_epoch
        bar = tqdm(
            zip(range(steps), batches, strict=False),
            total=steps,
            desc=f"epoch {number + 1}/{self._config.epochs}",
            file=sys.stderr,
            disable=quiet,
            leave=False,
        )
        losses: list[float] = []
        for step, batch in bar:
            losses.append(self._step(number * steps + step, batch))
            if not isfinite(losses[-1]):
                raise DataError(
                    f"The training loss became {losses[-1]} in epoch {number + 1}, "
                    f"step {step + 1}; look for NaN in the inputs or lower peak_rate."
                )
            bar.set_postfix(loss=f"{losses[-1]:.3f}", refresh=False)
        if not losses:
            raise DataError(f"There are no training batches in epoch {number + 1}.")
        return sum(losses) / len(losses)

    def _step(self, done: int, batch: Batch) -> float:
        self._set_rate(done)
        loss = self._loss(batch)
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self._clock = time.thread_time() - self._started
        if self._replicas is not None:
            self._clock = self._replicas.average_gradients(self._model, self._clock)
        torch.nn.utils.clip_grad_norm_(self._model.parameters(), self._config.clip_norm)
        self._optimiser.step()
        if self._average is not None:
            self._average.update()
        return float(loss.detach())

    def _set_rate(self, done: int) -> None:
        if self._config.max_seconds is not None:
            late = int(self._total * self._clock / self._config.max_seconds)
            done = max(done, min(self._total, late))
        rate = learning_rate(
            done, self._total, peak=self._config.peak_rate, warmup=self._config.warmup_steps
        )
        for group in self._optimiser.param_groups:
            group["lr"] = rate

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """Within the block the model carries the weights to be judged, equal in all replicas."""
        with self._average.applied() if self._average is not None else nullcontext():
            if self._replicas is not None:
                self._replicas.average_state(self._model)
            yield

    def state(self) -> dict[str, Any]:
        """All that the next step depends on."""
        return {
            "model": self._model.state_dict(),
            "optimiser": self._optimiser.state_dict(),
            "average": None if self._average is None else self._average.state(),
            "clock": self._clock,
            "random": torch.get_rng_state(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a :meth:`state`."""
        self._model.load_state_dict(state["model"])
        self._optimiser.load_state_dict(state["optimiser"])
        if self._average is not None:
            self._average.restore(state["average"])
        self._clock = state["clock"]
        self._started = time.thread_time() - self._clock
        torch.set_rng_state(state["random"])

    def out_of_time(self, number: int) -> bool:
        """Whether another epoch like the last ones would end too late."""
        limit = self._config.max_seconds
        return limit is not None and self._clock * (number + 2) / (number + 1) > limit


def _optimiser(model: FusionModel, config: TrainConfig) -> torch.optim.Optimizer:
    # decay the weights that multiply; not biases, norms, or anything else of one dimension
    decayed = [p for p in model.parameters() if p.ndim > 1]
    plain = [p for p in model.parameters() if p.ndim <= 1]
    return torch.optim.AdamW(
        [
            {"params": decayed, "weight_decay": config.weight_decay},
            {"params": plain, "weight_decay": 0.0},
        ],
        lr=config.peak_rate,
    )


def _describe(model: FusionModel, config: TrainConfig) -> str:
    """What a state of a training fits: the model's shapes and the configuration."""
    shapes = {name: list(value.shape) for name, value in model.state_dict().items()}
    return f"{msgspec.json.encode(config).decode()} {shapes}"


def _line(number: int, epoch: Epoch) -> str:
    heads = "  ".join(f"{name} {value:.3f}" for name, value in epoch.f1.items())
    return f"epoch {number + 1}: loss {epoch.loss:.3f}  macro-F1 {heads}  ({epoch.seconds:.0f} s)"

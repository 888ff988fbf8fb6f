"""The accuracy gate: which precision each part may ship at, by held-out samples.

Every part is tried alone and all together, always on reference graphs: the question is what
int8 costs, not what this host's kernels do to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from edge_sdk.bundle.heads import chosen_class
from edge_sdk.bundle.manifest import Head, HeadQuality, Score
from edge_sdk.errors import DataError
from edge_sdk.samples import Sample
from edge_sdk.targets import Precision

from .backends.protocol import Runner
from .feeds import Wiring
from .fusion.metrics import classification_metrics
from .source import HEAD

Features = Mapping[str, NDArray[Any]]
Arrays = dict[str, NDArray[Any]]
Assignment = Mapping[str, Precision]
# The model before any backend touched it; every candidate is held against it.
BASE = "base"


class _Seen(msgspec.Struct, frozen=True):
    """One evaluation sample: what the head takes of it, by kind, and its true class by head."""

    embeddings: dict[str, Arrays]
    truth: dict[str, int]


class Gate:
    """Holds every candidate of every part against fp32 on the same samples.

    Args:
        base: the fp32 reference of each part.
        candidates: for each part, by precision, what might ship.
        wiring: how the parts hang together.
        heads: what the model answers.
    """

    def __init__(
        self,
        base: Mapping[str, Runner],
        candidates: Mapping[str, Mapping[Precision, Runner]],
        wiring: Wiring,
        heads: Sequence[Head],
    ) -> None:
        self._runners: dict[str, dict[str, Runner]] = {}
        for name, runner in base.items():
            self._runners[name] = {BASE: runner}
            self._runners[name].update((p, r) for p, r in candidates.get(name, {}).items())
        self._wiring, self._heads = wiring, tuple(heads)
        self._samples: list[_Seen] = []
        self._answers: dict[tuple[tuple[str, str], ...], dict[str, NDArray[np.int64]]] = {}

    def observe(
        self,
        samples: Iterable[tuple[Sample, Features]],
        step: Callable[[], None] = lambda: None,
    ) -> None:
        """Run all encoders over the evaluation samples; only embeddings are kept.

        Raises:
            DataError: a sample carries a label that its head does not know.
        """
        for sample, features in samples:
            embeddings: dict[str, Arrays] = {}
            for name, value in features.items():
                for kind, runner in self._runners.get(name, {}).items():
                    out = self._wiring.embed({name: runner}, {name: value})
                    embeddings.setdefault(kind, {}).update(out)
                if name not in self._runners:
                    embeddings.setdefault(BASE, {})[name] = value
            self._samples.append(_Seen(embeddings, self._truth(sample)))
            step()

    @property
    def samples(self) -> int:
        """How many samples were observed."""
        return len(self._samples)

    def drops(self, assignment: Assignment) -> dict[str, float]:
        """Points lost by head against fp32 under ``assignment`` (parts left out stay fp32)."""
        return {name: quality.drop for name, quality in self.quality(assignment).items()}

    def quality(self, assignment: Assignment) -> dict[str, HeadQuality]:
        """fp32 and ``assignment`` side by side, by head."""
        base, mine = self._predict({}), self._predict(assignment)
        result = {}
        for head in self._heads:
            rows = [i for i, seen in enumerate(self._samples) if head.name in seen.truth]
            truth = [self._samples[i].truth[head.name] for i in rows]
            result[head.name] = HeadQuality(
                samples=len(rows),
                fp32=_score(truth, base[head.name][rows], head.labels),
                shipped=_score(truth, mine[head.name][rows], head.labels),
                agreement=float((base[head.name] == mine[head.name]).mean()),
            )
        return result

    def _predict(self, assignment: Assignment) -> dict[str, NDArray[np.int64]]:
        key = tuple(sorted(assignment.items()))
        if key not in self._answers:
            fuser = self._runners[HEAD][assignment.get(HEAD, BASE)]
            rows: dict[str, list[int]] = {head.name: [] for head in self._heads}
            for seen in self._samples:
                present = {
                    name: seen.embeddings[assignment.get(name, BASE)][name]
                    for name in self._wiring.modalities
                    if name in seen.embeddings.get(assignment.get(name, BASE), {})
                }
                outputs = fuser.run(self._wiring.head_feed(present))
                for head in self._heads:
                    rows[head.name].append(chosen_class(head, outputs[head.name]))
            self._answers[key] = {n: np.asarray(a, np.int64) for n, a in rows.items()}
        return self._answers[key]

    def _truth(self, sample: Sample) -> dict[str, int]:
        truth = {}
        for head in self._heads:
            label = sample.labels.get(head.name)
            if label is None:
                continue
            if label not in head.labels:
                raise DataError(
                    f"The sample {sample.id} is labelled {label!r}, which the head "
                    f"{head.name!r} does not know."
                )
            truth[head.name] = head.labels.index(label)
        return truth


def settle(
    gate: Gate, choices: Mapping[str, Sequence[Precision]], max_drop: float
) -> tuple[dict[str, Precision] | None, dict[str, Precision]]:
    """The assignment to ship, and the nearest one where none keeps the budget.

    ``choices`` are the precisions of each part in order of preference. Starts with the first
    for every part. While a head loses more than ``max_drop`` points, the part whose step to its
    next precision helps the worst head most takes it.
    """
    assignment = {part: precisions[0] for part, precisions in choices.items()}
    while True:
        if _worst(gate, assignment) <= max_drop + 1e-9:
            return assignment, assignment
        steps = []
        for part, precisions in choices.items():
            rank = precisions.index(assignment[part])
            if rank + 1 < len(precisions):
                steps.append({**assignment, part: precisions[rank + 1]})
        if not steps:
            return None, assignment
        assignment = min(steps, key=lambda step: _worst(gate, step))


def worst_head(drops: Mapping[str, float]) -> str:
    """Which head loses most, as words."""
    head = max(drops, key=lambda name: drops[name])
    return f"{head} loses {drops[head]:.2f} points"


def _worst(gate: Gate, assignment: Assignment) -> float:
    return max(gate.drops(assignment).values())


def _score(truth: list[int], answers: NDArray[np.int64], labels: Sequence[str]) -> Score:
    metrics = classification_metrics(truth, answers, labels)
    return Score(accuracy=metrics.accuracy, macro_f1=metrics.f1)

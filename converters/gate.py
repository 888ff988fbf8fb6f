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
from .intervals import f1_intervals, wilson
from .report import AccuracyInterval
from .source import HEAD

Features = Mapping[str, NDArray[Any]]
Arrays = dict[str, NDArray[Any]]
Assignment = Mapping[str, Precision]
# The model before any backend touched it; every candidate is held against it.
BASE = "base"
# The same of a pruned or fine-tuned model, whose candidates are held against that as it came.
OWN = "own"


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
        own: where the candidates are of a pruned or fine-tuned model, its parts in fp32: they
            stand for the parts that an assignment leaves out.
    """

    def __init__(
        self,
        base: Mapping[str, Runner],
        candidates: Mapping[str, Mapping[Precision, Runner]],
        wiring: Wiring,
        heads: Sequence[Head],
        own: Mapping[str, Runner] | None = None,
    ) -> None:
        self._runners: dict[str, dict[str, Runner]] = {}
        for name, runner in base.items():
            self._runners[name] = {BASE: runner}
            if own is not None:
                self._runners[name][OWN] = own[name]
            self._runners[name].update((p, r) for p, r in candidates.get(name, {}).items())
        self._rest = BASE if own is None else OWN
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

    def recall(
        self,
        samples: Iterable[Sample],
        found: Mapping[str, Mapping[str, Sequence[NDArray[Any] | None]]],
    ) -> None:
        """Take evaluation samples whose embeddings are known, instead of running encoders.

        ``found`` has by modality and kind (a precision, :data:`BASE`, :data:`OWN`) the embedding
        of each sample, None where it lacks the modality.

        Raises:
            DataError: a sample carries a label that its head does not know.
        """
        for row, sample in enumerate(samples):
            embeddings: dict[str, Arrays] = {}
            for name, kinds in found.items():
                for kind, values in kinds.items():
                    value = values[row]
                    if value is not None:
                        embeddings.setdefault(kind, {})[name] = value
            self._samples.append(_Seen(embeddings, self._truth(sample)))

    @property
    def modalities(self) -> tuple[str, ...]:
        """The modalities of the model."""
        return self._wiring.modalities

    @property
    def samples(self) -> int:
        """How many samples were observed."""
        return len(self._samples)

    def drops(self, assignment: Assignment) -> dict[str, float]:
        """Points lost by head against fp32 under ``assignment`` (parts left out stay fp32)."""
        return {name: quality.drop for name, quality in self.quality(assignment).items()}

    def quality(
        self, assignment: Assignment, modalities: Sequence[str] = ()
    ) -> dict[str, HeadQuality]:
        """fp32 and ``assignment`` side by side, by head.

        With ``modalities``, ``assignment`` is given these alone, on the samples that have one of
        them; fp32 has all that the sample has.
        """
        unchanged = dict.fromkeys(self._runners, BASE)
        base, mine = self._predict(unchanged), self._predict(assignment, tuple(modalities))
        answered = [i for i, seen in enumerate(self._samples) if self._takes(seen, modalities)]
        result = {}
        for head in self._heads:
            rows = [i for i in answered if head.name in self._samples[i].truth]
            truth = [self._samples[i].truth[head.name] for i in rows]
            same = base[head.name][answered] == mine[head.name][answered]
            result[head.name] = HeadQuality(
                samples=len(rows),
                fp32=_score(truth, base[head.name][rows], head.labels),
                shipped=_score(truth, mine[head.name][rows], head.labels),
                agreement=float(same.mean()) if answered else 0.0,
            )
        return result

    def intervals(
        self, assignment: Assignment, modalities: Sequence[str] = ()
    ) -> dict[str, AccuracyInterval]:
        """How sure :meth:`quality` is, by head."""
        base = self._predict(dict.fromkeys(self._runners, BASE))
        mine = self._predict(assignment, tuple(modalities))
        answered = [i for i, seen in enumerate(self._samples) if self._takes(seen, modalities)]
        found = {}
        for head in self._heads:
            rows = [i for i in answered if head.name in self._samples[i].truth]
            truth = np.array([self._samples[i].truth[head.name] for i in rows], np.int64)
            one, other = base[head.name][rows], mine[head.name][rows]
            f1 = f1_intervals(truth, one, other, len(head.labels))
            shares = [float((a == truth).mean()) if rows else 0.0 for a in (one, other)]
            found[head.name] = AccuracyInterval(
                fp32=wilson(shares[0], len(rows)),
                shipped=wilson(shares[1], len(rows)),
                f1_fp32=f1[0],
                f1_shipped=f1[1],
                drop=f1[2],
            )
        return found

    def answering(self, modalities: Sequence[str] = ()) -> int:
        """How many of the samples have one of ``modalities`` (empty: all samples)."""
        return sum(self._takes(seen, modalities) for seen in self._samples)

    def _takes(self, seen: _Seen, modalities: Sequence[str]) -> bool:
        if not modalities:
            return True
        return any(name in seen.embeddings.get(BASE, {}) for name in modalities)

    def _predict(
        self, assignment: Assignment | Mapping[str, str], modalities: tuple[str, ...] = ()
    ) -> dict[str, NDArray[np.int64]]:
        whole: dict[str, str] = dict.fromkeys(self._runners, self._rest)
        whole.update(assignment)
        key = (*sorted(whole.items()), ("", ",".join(modalities)))
        if key not in self._answers:
            fuser = self._runners[HEAD][whole[HEAD]]
            rows: dict[str, list[int]] = {head.name: [] for head in self._heads}
            for seen in self._samples:
                present = {}
                for name in modalities or self._wiring.modalities:
                    # A modality without an encoder has features, which no precision changes.
                    value = seen.embeddings.get(whole.get(name, BASE), {}).get(name)
                    if value is not None:
                        present[name] = value
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

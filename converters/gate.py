"""The accuracy gate: which precision each part may ship at, by held-out samples.

Every part is tried alone and all together, always on reference graphs: the question is what
int8 costs, not what this host's kernels do to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
import onnx
from numpy.typing import NDArray

from edge_sdk.bundle.manifest import Head, HeadQuality, Score
from edge_sdk.errors import DataError
from edge_sdk.samples import Sample
from edge_sdk.targets import Precision

from .fusion.metrics import classification_metrics
from .reference import Reference

Graphs = Mapping[str, Mapping[Precision, onnx.ModelProto]]
Assignment = Mapping[str, Precision]
Features = Mapping[str, NDArray[Any]]
Embeddings = dict[str, NDArray[np.float32]]


class _Seen(msgspec.Struct, frozen=True):
    """One evaluation sample: its embeddings by precision, and its true class by head."""

    embeddings: dict[Precision, Embeddings]
    truth: dict[str, int]


class Gate:
    """Holds every precision of every part against fp32 on the same samples."""

    def __init__(self, graphs: Graphs, heads: Sequence[Head], head: str = "head") -> None:
        self._graphs, self._heads, self._head = graphs, tuple(heads), head
        self._modalities = [name for name in graphs if name != head]
        self._widths: dict[str, int] = {}
        self._samples: list[_Seen] = []
        self._fusers = {precision: Reference(graph) for precision, graph in graphs[head].items()}
        self._answers: dict[tuple[tuple[str, Precision], ...], dict[str, NDArray[np.int64]]] = {}

    def observe(
        self,
        samples: Iterable[tuple[Sample, Features]],
        step: Callable[[], None] = lambda: None,
    ) -> None:
        """Run all encoders over the evaluation samples; only embeddings are kept.

        Raises:
            DataError: a sample carries a label that its head does not know.
        """
        encoders = {
            (name, precision): Reference(graph)
            for name in self._modalities
            for precision, graph in self._graphs[name].items()
        }
        self._widths = {name: encoder.width for (name, _), encoder in encoders.items()}
        for sample, features in samples:
            embeddings: dict[Precision, Embeddings] = {p: {} for _, p in encoders}
            for (name, precision), encoder in encoders.items():
                if name in features:
                    embeddings[precision][name] = encoder.run({"features": features[name]})[
                        "embedding"
                    ]
            self._samples.append(_Seen(embeddings, self._truth(sample)))
            step()

    @property
    def samples(self) -> int:
        """How many samples were observed."""
        return len(self._samples)

    def drops(self, assignment: Assignment) -> dict[str, float]:
        """Points lost by head against fp32 under ``assignment``."""
        drops = {}
        for name, quality in self.quality(assignment).items():
            if quality.samples:
                drops[name] = 100 * (quality.fp32.macro_f1 - quality.shipped.macro_f1)
            else:
                drops[name] = 100 * (1 - quality.agreement)
        return drops

    def quality(self, assignment: Assignment) -> dict[str, HeadQuality]:
        """fp32 and ``assignment`` side by side, by head."""
        base = self._predict(dict.fromkeys(self._graphs, "fp32"))
        mine = self._predict(assignment)
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
            fuser = self._fusers[assignment[self._head]]
            rows: dict[str, list[int]] = {head.name: [] for head in self._heads}
            for seen in self._samples:
                present = {
                    name: seen.embeddings[assignment[name]][name]
                    for name in self._modalities
                    if name in seen.embeddings[assignment[name]]
                }
                logits = fuser.run(head_feed(self._modalities, present, self._widths))
                for name, answers in rows.items():
                    answers.append(int(logits[name].argmax()))
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


def head_feed(
    modalities: Sequence[str], present: Mapping[str, NDArray[np.float32]], sizes: Mapping[str, int]
) -> dict[str, NDArray[np.float32]]:
    """The head's inputs: embeddings ``[1, E]`` by modality, zeros where missing, and the mask."""
    feed = {name: present.get(name, np.zeros((1, sizes[name]), np.float32)) for name in modalities}
    feed["mask"] = np.array([[name in present for name in modalities]], np.float32)
    return feed


def settle(
    gate: Gate, precisions: Sequence[Precision], parts: Sequence[str], max_drop: float
) -> tuple[dict[str, Precision] | None, dict[str, Precision]]:
    """The assignment to ship, and the nearest one where none keeps the budget.

    Starts with the first precision for every part. While a head loses more than ``max_drop``
    points, the part whose step to the next precision helps the worst head most takes it.
    """
    assignment: dict[str, Precision] = dict.fromkeys(parts, precisions[0])
    while True:
        worst = _worst(gate, assignment)
        if worst <= max_drop + 1e-9:
            return assignment, assignment
        steps = []
        for part in parts:
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

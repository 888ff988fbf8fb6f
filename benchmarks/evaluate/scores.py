"""How right the answers are, by head."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from edge_sdk.samples import Sample

from .result import Answer, HeadScore


def score_heads(samples: Sequence[Sample], answers: Sequence[Answer]) -> dict[str, HeadScore]:
    """The score of every head over the samples that carry its label; heads without one are left
    out."""
    scores = {}
    for head in answers[0].labels if answers else ():
        pairs = [
            (sample.labels[head], answer.labels[head])
            for sample, answer in zip(samples, answers, strict=True)
            if head in sample.labels
        ]
        if pairs:
            right = sum(wanted == got for wanted, got in pairs)
            scores[head] = HeadScore(
                samples=len(pairs), accuracy=right / len(pairs), macro_f1=macro_f1(pairs)
            )
    return scores


def macro_f1(pairs: Iterable[tuple[str, str]]) -> float:
    """The mean F1 of the labels that occur as (label, answer), each label weighing the same."""
    pairs = list(pairs)
    labels = {label for pair in pairs for label in pair}
    total = 0.0
    for label in labels:
        hits = sum(wanted == got == label for wanted, got in pairs)
        named = sum((wanted == label) + (got == label) for wanted, got in pairs)
        total += 2 * hits / named
    return total / len(labels)

"""Classification metrics in plain numpy; no torch, so that the converter's gate can use them."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import ArrayLike, NDArray

from edge_sdk.errors import DataError


class ClassMetrics(msgspec.Struct, frozen=True, kw_only=True):
    """One class: how often it is right when said, how often it is found, and its support."""

    label: str
    precision: float
    recall: float
    f1: float
    support: int


class HeadMetrics(msgspec.Struct, frozen=True, kw_only=True):
    """One head on one sample set; shares in [0, 1].

    The macro means are over the classes that occur, as truth or as prediction. ``majority`` is
    the accuracy of always saying the most frequent true class. ``confusion[t][p]`` counts the
    samples of true class ``t`` predicted as ``p``, in the order of ``classes``.
    """

    samples: int
    accuracy: float
    precision: float
    recall: float
    f1: float
    majority: float
    classes: tuple[ClassMetrics, ...]
    confusion: tuple[tuple[int, ...], ...]


def confusion_matrix(true: ArrayLike, predicted: ArrayLike, classes: int) -> NDArray[np.int64]:
    """Counts int64 ``[classes, classes]``, rows true, columns predicted.

    Raises:
        DataError: the lengths differ or a class index is out of range.
    """
    t, p = np.asarray(true, np.int64).ravel(), np.asarray(predicted, np.int64).ravel()
    if t.shape != p.shape:
        raise DataError(f"There are {len(t)} true classes but {len(p)} predictions.")
    for name, values in (("true", t), ("predicted", p)):
        if len(values) and (values.min() < 0 or values.max() >= classes):
            raise DataError(f"A {name} class is outside 0..{classes - 1}.")
    return np.bincount(t * classes + p, minlength=classes * classes).reshape(classes, classes)


def majority_baseline(true: ArrayLike, classes: int) -> float:
    """The accuracy of always giving the most frequent class; 0 for no samples."""
    counts = np.bincount(np.asarray(true, np.int64).ravel(), minlength=classes)
    return float(counts.max() / counts.sum()) if counts.sum() else 0.0


def classification_metrics(
    true: ArrayLike, predicted: ArrayLike, labels: Sequence[str]
) -> HeadMetrics:
    """All metrics of one head from class indices ``[n]``; a share of nothing counts as 0.

    Raises:
        DataError: the lengths differ or a class index is out of range.
    """
    matrix = confusion_matrix(true, predicted, len(labels))
    hits = np.diag(matrix).astype(float)
    support, said = matrix.sum(axis=1), matrix.sum(axis=0)
    precision = _share(hits, said)
    recall = _share(hits, support)
    f1 = _share(2 * hits, support + said)
    occurs = (support + said) > 0
    total = int(matrix.sum())
    return HeadMetrics(
        samples=total,
        accuracy=float(hits.sum() / total) if total else 0.0,
        precision=_mean(precision[occurs]),
        recall=_mean(recall[occurs]),
        f1=_mean(f1[occurs]),
        majority=float(support.max() / total) if total else 0.0,
        classes=tuple(
            ClassMetrics(
                label=label,
                precision=float(precision[i]),
                recall=float(recall[i]),
                f1=float(f1[i]),
                support=int(support[i]),
            )
            for i, label in enumerate(labels)
        ),
        confusion=tuple(tuple(int(n) for n in row) for row in matrix),
    )


def _share(part: NDArray[np.float64], whole: NDArray[np.int64]) -> NDArray[np.float64]:
    out = np.zeros(len(part))
    np.divide(part, whole, out=out, where=whole > 0)
    return out


def _mean(values: NDArray[np.float64]) -> float:
    return float(values.mean()) if len(values) else 0.0

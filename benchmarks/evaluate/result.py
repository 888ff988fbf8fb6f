"""What an evaluation says, typed, and how far two of them agree."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec

from edge_sdk.errors import DataError

from ..documents import read_document, write_document
from ..profile.result import BundleInfo, DeviceInfo

#: Readers refuse a larger number.
SCHEMA = 1
KIND: Literal["evaluation"] = "evaluation"


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to one sample: by head the label, and its probability."""

    id: str
    labels: dict[str, str]
    confidence: dict[str, float]


class HeadScore(msgspec.Struct, frozen=True, kw_only=True):
    """Quality of one head on the samples that carry its label; shares from 0 to 1."""

    samples: int
    accuracy: float
    macro_f1: float


class SamplesInfo(msgspec.Struct, frozen=True, kw_only=True):
    """Which set: its folder's name, the SHA-256 of its index, and how much of it was used."""

    source: str
    digest: str
    in_set: int
    answered: int


class Agreement(msgspec.Struct, frozen=True, kw_only=True):
    """Equal labels of two evaluations of the same samples.

    Attributes:
        samples: that both answered.
        heads: the share of equal labels, by head.
        share: over all heads.
        differ: the ids of samples of which some label differs.
    """

    samples: int
    heads: dict[str, float]
    share: float
    differ: tuple[str, ...]


class Evaluation(msgspec.Struct, frozen=True, kw_only=True):
    """An evaluation.

    Attributes:
        date: when it was made, ISO 8601, UTC.
        engines: their versions.
        reference: whether the graphs ran as they are written, not on this machine's kernels.
        heads: of those heads for which the samples carry labels.
        answers: in the order of the samples.
    """

    schema: int = SCHEMA
    kind: Literal["evaluation"] = KIND
    date: str
    bundle: BundleInfo
    device: DeviceInfo
    edge_sdk: str
    engines: dict[str, str]
    reference: bool
    samples: SamplesInfo
    heads: dict[str, HeadScore]
    answers: tuple[Answer, ...]


def agreement(one: Evaluation, other: Evaluation) -> Agreement:
    """How many labels two evaluations share.

    Raises:
        DataError: they have no sample or no head in common.
    """
    known = {answer.id: answer for answer in other.answers}
    pairs = [(answer, known[answer.id]) for answer in one.answers if answer.id in known]
    heads = set(pairs[0][0].labels) & set(pairs[0][1].labels) if pairs else set()
    if not heads:
        raise DataError("The two evaluations have no sample and head in common to compare.")
    if one.samples.digest != other.samples.digest:
        raise DataError("The two evaluations are of different sample sets.")
    shares = {
        head: sum(a.labels[head] == b.labels[head] for a, b in pairs) / len(pairs)
        for head in sorted(heads)
    }
    return Agreement(
        samples=len(pairs),
        heads=shares,
        share=sum(shares.values()) / len(shares),
        differ=tuple(a.id for a, b in pairs if any(a.labels[h] != b.labels[h] for h in heads)),
    )


def write_evaluation(result: Evaluation, path: Path) -> None:
    """Write as JSON, aside first.

    Raises:
        StorageError: the place cannot be written or is full.
    """
    write_document(result, path)


def read_evaluation(path: str | Path) -> Evaluation:
    """Read and check what :func:`write_evaluation` wrote.

    Raises:
        DataError: there is no such file, it is no evaluation, or of a newer schema.
    """
    return read_document(path, KIND, Evaluation, SCHEMA)

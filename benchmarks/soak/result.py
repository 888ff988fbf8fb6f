"""What a soak found."""

from __future__ import annotations

from typing import Literal

import msgspec

from ..profile.result import BundleInfo, DeviceInfo

SCHEMA = 1


class Losses(msgspec.Struct, frozen=True, kw_only=True):
    """What was lost, by the counters at the end, and what was told of it while it ran.

    Attributes:
        samples: of sound that waited for too long.
        samples_told: the sum of the stream's ``SamplesLost``.
        hops: of sound without a decision of their own.
        hops_told: the sum of the stream's ``DecisionsLost``.
        frames: that were passed over for newer ones.
    """

    samples: int
    samples_told: int
    hops: int
    hops_told: int
    frames: int


class MemoryTrend(msgspec.Struct, frozen=True, kw_only=True):
    """Resident bytes of the process.

    Attributes:
        first: at the first look.
        last: at the last one.
        growth: bytes from the end of the first quarter to the end, by the median of the slopes
            between all pairs of looks.
        allowed: what ``growth`` may be.
    """

    first: int
    last: int
    growth: int
    allowed: int


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """Threads, counted by the kernel, and open file handles of the process."""

    threads: int
    handles: int


class SoakResult(msgspec.Struct, frozen=True, kw_only=True):
    """A soak.

    Attributes:
        date: when it began, ISO 8601, UTC.
        seconds: of sound that was injected.
        audio: where the sound came from; None: the model takes none.
        pictures: where the pictures came from; None: the model takes none.
        decisions: how many were made.
        late: those on data older than the deadline.
        failures: how often a stage raised.
        moves: how often the governor moved.
        data_age_p95: seconds; None: there was no decision.
        before: what was held once a first short stream was over.
        after: what was held once this one was.
        problems: sentences; none, and the soak is passed.
    """

    schema: int = SCHEMA
    kind: Literal["soak"] = "soak"
    date: str
    seconds: float
    bundle: BundleInfo
    device: DeviceInfo
    audio: str | None
    pictures: str | None
    decisions: int
    late: int
    failures: int
    moves: int
    data_age_p95: float | None
    losses: Losses
    memory: MemoryTrend
    before: Held
    after: Held
    problems: tuple[str, ...]

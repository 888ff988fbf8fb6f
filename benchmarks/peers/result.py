"""The raw numbers of a run, as they are in the JSON."""

from __future__ import annotations

import msgspec

from ..compare.intervals import Ratio
from ..machine import Machine
from .accuracy import HeadAccuracy
from .latency import Times, middle

SCHEMA = 2


class Conversion(msgspec.Struct, frozen=True, kw_only=True):
    """One conversion: what it gave and took; see :class:`~.candidate.Converted`.

    ``whole_cpu_seconds`` and ``whole_peak_bytes`` are with the export before it.
    """

    seed: int
    size: int
    cpu_seconds: float
    peak_bytes: int
    whole_cpu_seconds: float
    whole_peak_bytes: int
    kept: dict[str, str]


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One candidate.

    Attributes:
        engines: what runs its graphs.
        accuracy: by head.
        conversions: one a seed.
        rounds: milliseconds of CPU by part, a list for each process.
        against_ours: its latency over ours.
    """

    name: str
    title: str
    engines: tuple[str, ...]
    accuracy: dict[str, HeadAccuracy]
    conversions: tuple[Conversion, ...]
    rounds: tuple[tuple[Times, ...], ...]
    against_ours: Ratio

    @property
    def latency(self) -> Times:
        """Medians by part, and ``sum``."""
        return middle(self.rounds)


class FrontendRow(msgspec.Struct, frozen=True, kw_only=True):
    """Log-mel by somebody: microseconds of CPU a frame, by round."""

    title: str
    rounds: tuple[float, ...]
    against_ours: Ratio


class NotRun(msgspec.Struct, frozen=True):
    """A peer without numbers, and why."""

    title: str
    why: str


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """One run.

    Attributes:
        export_cpu_seconds: what the fp32 graphs took that peers start from.
        evaluation_samples: what Edge SDK's gate judges by.
        ours: the name of the row that others are held against.
        versions: the pinned packages by environment, those that the file names first.
    """

    schema: int = SCHEMA
    date: str
    command: str
    machine: Machine
    load_before: tuple[float, float, float]
    load_after: tuple[float, float, float]
    seconds: float
    seeds: tuple[int, ...]
    calibration_samples: int
    evaluation_samples: int
    held_out_samples: int
    timed_samples: int
    export_cpu_seconds: float
    export_peak_bytes: int
    ours: str
    versions: dict[str, str]
    rows: tuple[Row, ...]
    frontends: tuple[FrontendRow, ...]
    not_run: tuple[NotRun, ...]


def to_json(result: Result) -> bytes:
    """One JSON object."""
    return msgspec.json.format(msgspec.json.encode(result), indent=1) + b"\n"


def from_json(content: bytes) -> Result:
    """The inverse of :func:`to_json`."""
    return msgspec.json.decode(content, type=Result)

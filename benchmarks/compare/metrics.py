"""What is compared of a profile: metrics by name, one value a round; smaller is better."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import numpy as np

from ..profile.result import ProfileResult
from ..profile.subject import CPU

#: Percentiles of stages. Higher ones need more calls than a round has.
_LEVELS = {"p50_ms": 50, "p90_ms": 90, "p95_ms": 95, "p99_ms": 99}


class Metric(msgspec.Struct, frozen=True, kw_only=True):
    """One value a round. A ``time`` of an emulated device is not judged; an ``inner`` one is part
    of another, and shown where it is gated."""

    unit: str
    rounds: tuple[float, ...]
    time: bool = False
    inner: bool = False


def metrics_of(result: ProfileResult) -> dict[str, Metric]:
    """The metrics of a profile: ``<stage>.<percentile>_ms`` (and ``cpu.``, and ``.inputs``,
    ``.invoke`` and ``.outputs`` of a part's stage), ``open_ms``, ``first_ms``, ``resident_mb``,
    ``peak_mb``, ``unique_mb``, ``size_mb``, ``graphs_mb``, ``energy_mj``."""
    found: dict[str, Metric] = {}
    for stage, latency in {**result.stages, CPU: result.cpu, **result.within}.items():
        for name, level in _LEVELS.items():
            rounds = tuple(float(np.percentile(one, level)) for one in latency.rounds)
            found[f"{stage}.{name}"] = Metric(
                unit="ms", rounds=rounds, time=True, inner=stage in result.within
            )
    for name in ("open_ms", "first_ms"):
        rounds = tuple(getattr(start, name) for start in result.starts)
        found[name] = Metric(unit="ms", rounds=rounds, time=True)
    memory = result.memory
    for name, estimate in (
        ("resident_mb", memory.resident),
        ("peak_mb", memory.peak),
        ("unique_mb", memory.unique),
    ):
        if estimate is not None:
            found[name] = Metric(unit="MB", rounds=tuple(v / 1e6 for v in estimate.rounds))
    found["size_mb"] = Metric(unit="MB", rounds=(result.bundle.bytes / 1e6,) * 3)
    found["graphs_mb"] = Metric(unit="MB", rounds=(result.bundle.graph_bytes / 1e6,) * 3)
    if result.energy is not None:
        joules = result.energy.joules.rounds
        found["energy_mj"] = Metric(unit="mJ", rounds=tuple(v * 1e3 for v in joules))
    return found


def shown(metrics: Mapping[str, Metric], gated: set[str]) -> list[str]:
    """The metrics that a reader wants to see: those gated, medians of stages, and the rest."""
    return [
        name
        for name, metric in metrics.items()
        if name in gated
        or (name.endswith(".p50_ms") and not metric.inner)
        or "." not in name
        or name == "total.p99_ms"
    ]

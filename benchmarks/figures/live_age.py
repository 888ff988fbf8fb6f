"""How old data are when a live stream decides on them, and whether they grow older."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from edge_sdk import FusionSession

from ..bench import ENGINE, Bench
from ..figure import Figure, Reading
from .live_stream import HOP, record, stream

ROUNDS = 3
SECONDS = 20.0


def measure(bench: Bench) -> Iterator[Reading]:
    """Sound and pictures in real time; each round's ages against its own inference."""
    shares, growth, ages = [], [], []
    with FusionSession.open(bench.bundle().path, engine=ENGINE) as session:
        recorded = record(bench, session, SECONDS)
        for _ in range(bench.rounds(ROUNDS)):
            # The first second warms up.
            made = np.array(stream(session, recorded).decisions)[13:]
            old, slow = np.quantile(made, 0.95, axis=0)
            ages.append(old)
            shares.append(float(old / (HOP + slow)))
            half = len(made) // 2
            first, second = (np.median(part[:, 0]) for part in (made[:half], made[half:]))
            growth.append(float(second / first))
    detail = f"p95 {1e3 * float(np.median(ages)):.0f} ms over {SECONDS:.0f} s a round"
    yield Reading(
        what="live stream, data age at decision p95 against one hop and one inference (p95)",
        unit="x",
        values=tuple(shares),
        limit=1.0,
        detail=detail,
    )
    yield Reading(
        what="live stream, data age of the second half against the first (median)",
        unit="x",
        values=tuple(growth),
        limit=1.1,
        detail=detail,
    )


FIGURE = Figure("live-age", "a live stream: how old data are at a decision", measure)

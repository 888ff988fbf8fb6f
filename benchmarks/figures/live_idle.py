"""What a live stream costs while it only listens."""

from __future__ import annotations

from collections.abc import Iterator

from edge_sdk import FusionSession

from ..bench import ENGINE, Bench
from ..figure import Figure, Reading
from .live_stream import record, stream

ROUNDS = 3
SECONDS = 20.0


def measure(bench: Bench) -> Iterator[Reading]:
    """Sound in real time: source, front-end, streaming encoder, head and the loop around them."""
    with FusionSession.open(bench.bundle().path, engine=ENGINE) as session:
        recorded = record(bench, session, SECONDS)
        shares = [
            100 * stream(session, recorded, camera=False).cpu for _ in range(bench.rounds(ROUNDS))
        ]
    yield Reading(
        what="live stream of sound alone, a decision each 80 ms: share of one core",
        unit="%",
        values=tuple(shares),
        limit=3.0,
        detail=f"{SECONDS:.0f} s in real time a round, a sliding window of 2 s in four copies",
    )


FIGURE = Figure("live-idle", "a live stream of sound alone: share of a core", measure)

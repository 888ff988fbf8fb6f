"""Where the time of a part goes: to its engine, and to the way in and out of it."""

from __future__ import annotations

from itertools import pairwise

from edge_sdk.runtimes.engines.protocol import Timed
from edge_sdk.runtimes.engines.run_times import RunTimes, Stamps, run_times
from edge_sdk.runtimes.session import FusionSession

HEAD = "head"
INVOKE = "invoke"


class Within:
    """Asks the graphs of a session when they ran.

    ``silent`` are the stages whose engines do not tell, with the engine's name.
    """

    def __init__(self, session: FusionSession) -> None:
        parts = session.parts
        stages = {f"encoder.{name}": loaded for name, loaded in parts.encoders.items()}
        stages[HEAD] = parts.head
        timed = {s: one.graph for s, one in stages.items() if isinstance(one.graph, Timed)}
        self.silent = {s: one.engine for s, one in stages.items() if s not in timed}
        self._stages, self._graphs = list(timed), list(timed.values())
        self._kept = [[graph.last_run for graph in self._graphs]]

    def keep(self) -> None:
        """Keep the last run of each graph. It comes between two calls that are timed, so it does
        next to nothing."""
        self._kept.append([graph.last_run for graph in self._graphs])

    def times(self) -> dict[str, list[float]]:
        """Milliseconds by ``<stage>.inputs``, ``.invoke`` and ``.outputs``, of the runs since this
        was made."""
        found: dict[str, list[float]] = {}
        for stage, kept in zip(self._stages, zip(*self._kept, strict=True), strict=True):
            for what, column in zip(RunTimes._fields, zip(*_told(kept), strict=True), strict=False):
                found[f"{stage}.{what}"] = list(column)
        return found


def _told(kept: tuple[Stamps | None, ...]) -> list[RunTimes]:
    """Of the runs behind ``kept``, without the first one: that was before. A graph that did not run
    in a call still has the moments of the last one that it ran in."""
    return [run_times(n) for before, n in pairwise(kept) if n is not None and n is not before]

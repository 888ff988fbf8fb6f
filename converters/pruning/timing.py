"""Milliseconds of sources in ONNX Runtime on this machine, turn about."""

from __future__ import annotations

import time
from collections.abc import Sequence
from statistics import median
from typing import Any

from numpy.typing import NDArray

from ..export.onnx import export_onnx
from ..progress import Progress, silent
from ..reference import Reference
from ..source import Source

# Each part of each source runs so often, in rounds, for at most so long.
_ROUNDS = 60
_SECONDS = 6.0


def engine_milliseconds(
    sources: Sequence[Source], progress: Progress = silent
) -> list[dict[str, float]]:
    """The median milliseconds of each part of each source, one thread, fp32, optimised graphs.

    The sources take turns within every round, so that what else the machine does is shared.

    Raises:
        ExportError: a part cannot be exported.
    """
    runs: list[tuple[Reference, dict[str, NDArray[Any]]]] = []
    for source in sources:
        for spec in source.parts:
            progress("export to measure", len(runs), len(sources) * len(source.parts))
            session = Reference(export_onnx(spec), optimise=True)
            pairs = zip(spec.inputs, spec.example, strict=True)
            runs.append((session, {name: value.numpy() for name, value in pairs}))
    times: list[list[float]] = [[] for _ in runs]
    for session, feed in runs:
        session.run(feed)
    until = time.monotonic() + _SECONDS * len(sources)
    for done in range(_ROUNDS):
        progress("measure", done, _ROUNDS)
        for (session, feed), found in zip(runs, times, strict=True):
            begun = time.perf_counter()
            session.run(feed)
            found.append(1e3 * (time.perf_counter() - begun))
        if time.monotonic() > until and done >= 4:
            break
    progress("measure", _ROUNDS, _ROUNDS)
    middle = iter([median(found) for found in times])
    return [{spec.name: next(middle) for spec in source.parts} for source in sources]

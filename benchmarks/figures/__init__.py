"""The figures, in the order of the report; a new one is a module with a ``FIGURE`` and a line here.

The time of ``make demo`` is no figure: it is that of a fresh machine, seen where the demo runs.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from edge_sdk.errors import UsageError

from ..figure import Figure
from . import (
    calibration_memory,
    capture,
    cli_help,
    compare_alarms,
    conversion,
    engine_agreement,
    engine_speed,
    import_cost,
    infer_memory,
    int8_accuracy,
    int8_size,
    live_age,
    live_governor,
    live_idle,
    log_mel,
    profiler_agreement,
    profiler_overhead,
    pruning,
    session_overhead,
    streaming_audio,
    three_targets,
)

FIGURES: tuple[Figure, ...] = (
    int8_accuracy.FIGURE,
    int8_size.FIGURE,
    pruning.FIGURE,
    session_overhead.FIGURE,
    log_mel.FIGURE,
    capture.FIGURE,
    streaming_audio.FIGURE,
    live_age.FIGURE,
    live_idle.FIGURE,
    live_governor.FIGURE,
    infer_memory.FIGURE,
    cli_help.FIGURE,
    import_cost.FIGURE,
    conversion.FIGURE,
    profiler_overhead.FIGURE,
    profiler_agreement.FIGURE,
    compare_alarms.FIGURE,
    engine_agreement.FIGURE,
    engine_speed.FIGURE,
    three_targets.FIGURE,
    calibration_memory.FIGURE,
)


def choose(names: Sequence[str], figures: Sequence[Figure] = FIGURES) -> tuple[Figure, ...]:
    """The figures called ``names``, in the order of the report; all if there is no name.

    Raises:
        UsageError: a name is unknown (the nearest ones are suggested).
    """
    known = [figure.name for figure in figures]
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known) or known
            raise UsageError(f"There is no figure {name!r}; did you mean {' or '.join(near)}?")
    return tuple(figure for figure in figures if not names or figure.name in names)

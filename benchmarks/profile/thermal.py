"""Minutes under full load: how latency follows the temperature."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import cycle
from time import monotonic

import numpy as np

from edge_sdk.runtimes.probes.vitals import VitalsReader

from .inputs import Given
from .result import ThermalPoint
from .sampler import look_at
from .subject import TOTAL, Subject

#: Seconds of calls in one point.
STRETCH = 5.0


def measure_thermal(
    subject: Subject,
    given: Sequence[Given],
    minutes: float,
    *,
    vitals: VitalsReader,
    progress: Callable[[float], None] = lambda share: None,
    clock: Callable[[], float] = monotonic,
) -> tuple[ThermalPoint, ...]:
    """Call without a pause for ``minutes``; a point every few seconds.

    Args:
        subject: what is called.
        given: samples, in turns.
        minutes: how long.
        vitals: tells throttling; its probes tell the rest.
        progress: told the share that is behind, 0 to 1.
        clock: seconds; another one in tests.
    """
    turn = cycle(one.values for one in given)
    began, points = clock(), []
    whole = minutes * 60
    while (now := clock()) - began < whole:
        progress((now - began) / whole)
        spent: list[float] = []
        end = min(now + STRETCH, began + whole)
        while clock() < end or not spent:
            spent.append(subject(next(turn))[TOTAL])
        seconds = clock() - began
        points.append(
            ThermalPoint(
                seconds=round(seconds, 3),
                calls=len(spent),
                p50=float(np.percentile(spent, 50)),
                p99=float(np.percentile(spent, 99)),
                look=look_at(vitals.probes, seconds),
                throttled=vitals.read().throttled,
            )
        )
    return tuple(points)

"""The learning rate over time: linear warm-up, then half a cosine down to a floor."""

from __future__ import annotations

import math


def learning_rate(step: int, total: int, *, peak: float, warmup: int, floor: float = 0.01) -> float:
    """The rate at ``step`` of ``total`` (SGDR's cosine, Loshchilov and Hutter, 2017).

    ``floor`` is the last rate as a share of ``peak``. Steps past ``total`` keep the last rate.
    """
    if step < warmup:
        return peak * (step + 1) / (warmup + 1)
    done = min(1.0, (step - warmup) / max(1, total - warmup))
    return peak * (floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * done)))

"""Golden outputs of int8 heads, where the values of a sample nearly cancel.

The error of int8 kernels follows the range that the outputs were quantised to, not one sample's
values. Where these are small, as for a yes-or-no head that cannot decide, their own ratio of
signal to error is low although nothing is wrong. Such a sample is held by what it means: by its
probabilities, and by the ratio of the error to the outputs of all golden samples, so that a
graph whose outputs are small for another reason is not let through.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from .golden import Deviation
from .heads import probabilities
from .manifest import Head, Tolerance


def settle_output(
    found: Deviation,
    head: Head,
    got: NDArray[Any],
    expected: NDArray[Any],
    others: Iterable[NDArray[Any]],
    tolerance: Tolerance,
    share: float,
) -> Deviation:
    """``found`` (see :func:`~.golden.compare`) again, where an int8 output missed ``tolerance``.

    It is right after all where no probability differs by more than ``share``, and the error is
    ``tolerance.min_snr_db`` below the mean energy of the head's golden outputs.

    Args:
        found: the result of the output itself.
        head: the head.
        got: its output.
        expected: its golden output.
        others: the head's golden outputs of every sample, ``expected`` among them.
        tolerance: what the output itself was held to.
        share: how far a probability may be off.
    """
    if found.ok or not np.isfinite(found.max_abs):
        return found
    noise = float(((got.astype(np.float64) - expected) ** 2).mean())
    typical = float(np.mean([(other.astype(np.float64) ** 2).mean() for other in others]))
    off = float(np.abs(_probabilities(head, got) - _probabilities(head, expected)).max())
    near = noise * 10 ** (tolerance.min_snr_db / 10) <= typical
    return msgspec.structs.replace(found, ok=near and off <= share, probability=off)


def _probabilities(head: Head, output: NDArray[Any]) -> NDArray[np.float64]:
    return np.array(probabilities(head, output.reshape(-1).tolist()))

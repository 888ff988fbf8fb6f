"""Observers: a running summary of an activation, from which its int8 range is taken.

A new one is a module with a class of :class:`Observer`, named by the entry-point group
``edge_sdk.calibrators``; its keyword arguments are the calibrator's parameters.
"""

from __future__ import annotations

from typing import Any, Protocol

from numpy.typing import NDArray

Range = tuple[float, float]


class Observer(Protocol):
    """Sees an activation once a sample; its memory does not grow with the samples."""

    def update(self, value: NDArray[Any]) -> None:
        """Take in one sample's activation: float32, finite, any shape, even empty."""
        ...

    def span(self) -> Range:
        """A range that is cheap to ask for after every sample: whether it still widens says
        whether calibration has settled. (0, 0) if nothing was seen."""
        ...

    def range(self) -> Range:
        """The lowest and highest value to represent; (0, 0) if nothing was seen."""
        ...

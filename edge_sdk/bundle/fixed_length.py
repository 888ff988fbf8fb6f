"""Graphs of one fixed length: what takes any length outside is padded inside, and its length told.

TensorFlow Lite has no dynamic axes. A graph of this kind has an input ``length`` beside the padded
one and gives exactly the unpadded result for whatever fits.
"""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from ..errors import InputError


class FixedLength(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One padded input of a graph.

    Attributes:
        input: the input that is padded with zeros at its end.
        axis: the axis that is padded.
        size: how long that axis is in the graph: the longest input it takes.
        length: the graph's own input with the true length, ``[1]``, float32 or int32.
    """

    input: str
    axis: int
    size: int
    length: str = "length"


def length_of(value: NDArray[Any], fixed: FixedLength) -> int:
    """The true length of ``value``.

    Raises:
        InputError: ``value`` is empty along the axis, or longer than the graph.
    """
    length = int(value.shape[fixed.axis])
    if not 1 <= length <= fixed.size:
        raise InputError(
            f"The input {fixed.input} has {length} steps; this graph takes 1 to {fixed.size}. "
            "Give a shorter piece, or convert for a longer window."
        )
    return length


def pad(value: NDArray[Any], fixed: FixedLength) -> tuple[NDArray[Any], NDArray[np.int32]]:
    """``value`` padded to the graph's length, and its true length, int32 ``[1]``.

    Raises:
        InputError: ``value`` is empty along the axis, or longer than the graph.
    """
    length = length_of(value, fixed)
    told = np.array([length], np.int32)
    if length == fixed.size:
        return value, told
    shape = list(value.shape)
    shape[fixed.axis] = fixed.size
    padded = np.zeros(shape, value.dtype)
    padded[(slice(None),) * fixed.axis + (slice(length),)] = value
    return padded, told

"""How a room sounds: impulse responses by the image-source method (pyroomacoustics)."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_sdk.runtimes.speech import RATE
from edge_sdk.runtimes.speech.protocol import Samples

# A living room of 5 by 4 by 2.6 m; sound is 60 dB down after about 0.28 s.
_SIZE = (5.0, 4.0, 2.6)
_ABSORPTION = 0.25
_MICROPHONE = (1.0, 1.0, 0.95)
_PLACES = {"loudspeaker": (1.0, 1.1, 0.9), "user": (3.2, 2.4, 1.5)}


@cache
def response(place: str) -> Samples:
    """From ``loudspeaker`` (11 cm away, the same case) or ``user`` (2.7 m) to the microphone."""
    (found,) = responses(_SIZE, _ABSORPTION, 17, _MICROPHONE, [_PLACES[place]])
    return found


def responses(
    size: Sequence[float],
    absorption: float,
    order: int,
    microphone: Sequence[float],
    places: Sequence[Sequence[float]],
) -> list[Samples]:
    """Impulse responses float32 ``[n]`` from each of ``places`` to ``microphone``, in metres, in a
    room of ``size`` whose walls take in ``absorption`` of the energy, after ``order`` reflections
    at most."""
    library = _library()
    room = library.ShoeBox(size, fs=RATE, materials=library.Material(absorption), max_order=order)
    for place in places:
        room.add_source(place)
    room.add_microphone(microphone)
    room.compute_rir()
    return [np.asarray(of_place, np.float32) for of_place in room.rir[0]]


@cache
def _library() -> Any:
    """pyroomacoustics without sounddevice, which it imports where there is one: that holds on to
    PortAudio, and the devices that come later are never found."""
    kept = "sounddevice" in sys.modules
    if not kept:
        sys.modules["sounddevice"] = None  # type: ignore[assignment]
    try:
        import pyroomacoustics
    finally:
        if not kept:
            del sys.modules["sounddevice"]
    return pyroomacoustics


def through(samples: Samples, place: str) -> Samples:
    """``samples`` ``[n]`` as the microphone hears them from ``place``, with what rings on."""
    return convolved(samples, response(place))


def convolved(samples: Samples, impulse: Samples) -> Samples:
    """``samples`` ``[n]`` through an impulse response ``[m]``: float32 ``[n + m - 1]``."""
    count = len(samples) + len(impulse) - 1
    size = 1 << (count - 1).bit_length()
    product: NDArray[np.complex128] = np.fft.rfft(samples, size) * np.fft.rfft(impulse, size)
    return np.fft.irfft(product, size)[:count].astype(np.float32)

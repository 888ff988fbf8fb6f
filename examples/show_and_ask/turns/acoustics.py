"""How a room sounds: impulse responses by the image-source method (pyroomacoustics)."""

from __future__ import annotations

from functools import cache

import numpy as np
import pyroomacoustics
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
    room = pyroomacoustics.ShoeBox(
        _SIZE, fs=RATE, materials=pyroomacoustics.Material(_ABSORPTION), max_order=17
    )
    room.add_source(_PLACES[place])
    room.add_microphone(_MICROPHONE)
    room.compute_rir()
    found: Samples = np.asarray(room.rir[0][0], np.float32)
    return found


def through(samples: Samples, place: str) -> Samples:
    """``samples`` ``[n]`` as the microphone hears them from ``place``, with what rings on."""
    return convolved(samples, response(place))


def convolved(samples: Samples, impulse: Samples) -> Samples:
    """``samples`` ``[n]`` through an impulse response ``[m]``: float32 ``[n + m - 1]``."""
    count = len(samples) + len(impulse) - 1
    size = 1 << (count - 1).bit_length()
    product: NDArray[np.complex128] = np.fft.rfft(samples, size) * np.fft.rfft(impulse, size)
    return np.fft.irfft(product, size)[:count].astype(np.float32)

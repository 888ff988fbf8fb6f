"""The assistant's sounds that are no words."""

from __future__ import annotations

import numpy as np
import soxr

from ..speech import Speech

_RATE = 16000


def tone(frequencies: tuple[float, ...], seconds: float) -> Speech:
    """Tones one after the other, each ``seconds`` long, faded in and out."""
    count = round(seconds * _RATE)
    ramp = np.minimum(np.arange(count), np.arange(count)[::-1]) / (0.01 * _RATE)
    waves = [
        0.25 * np.minimum(1.0, ramp) * np.sin(2 * np.pi * frequency * np.arange(count) / _RATE)
        for frequency in frequencies
    ]
    return Speech(np.concatenate(waves).astype(np.float32), _RATE)


#: The wake word was heard.
WAKE_TONE = tone((660.0, 880.0), 0.08)
_RING = tone((880.0, 1175.0, 880.0, 1175.0), 0.15)


def ringing(speech: Speech | None, times: int = 3, pause: float = 1.5) -> Speech:
    """The sound of a timer and then the words, again and again, with ``pause`` seconds between."""
    rate = _RATE if speech is None else speech.rate
    words = np.zeros(0, np.float32) if speech is None else speech.samples
    ring = soxr.resample(np.tile(_RING.samples, 2), _RATE, rate).astype(np.float32)
    once = np.concatenate([ring, words])
    quiet = np.zeros(round(pause * rate), np.float32)
    return Speech(np.concatenate([once, *[quiet, once] * (times - 1)]), rate)

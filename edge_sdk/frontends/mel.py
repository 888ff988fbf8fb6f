"""Mel filter bank and window in the manner of Kaldi's ``fbank`` features."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .config import AudioFeaturesConfig


def hz_to_mel(hz: NDArray[np.floating] | float) -> NDArray[np.float64]:
    """Mel scale with the natural logarithm and a 700 Hz corner, as HTK and Kaldi use it."""
    return np.asarray(1127.0 * np.log1p(np.asarray(hz, np.float64) / 700.0))


def mel_weights(config: AudioFeaturesConfig) -> NDArray[np.float32]:
    """Triangular filters, drawn linearly over mel; float32 ``[fft // 2, bands]``.

    The bin at half the rate carries no weight (Kaldi leaves it out as well).
    """
    low, high = hz_to_mel(config.low_hz), hz_to_mel(config.high_hz)
    edges = np.linspace(low, high, config.bands + 2)
    bins = hz_to_mel(np.arange(config.fft // 2) * (config.rate / config.fft))[:, None]
    left, centre, right = edges[:-2], edges[1:-1], edges[2:]
    rising = (bins - left) / (centre - left)
    falling = (right - bins) / (right - centre)
    return np.maximum(0.0, np.minimum(rising, falling)).astype(np.float32)


def povey_window(length: int) -> NDArray[np.float32]:
    """Kaldi's default window: a Hann window to the power 0.85; float32 ``[length]``."""
    angle = 2.0 * np.pi * np.arange(length) / (length - 1)
    return np.power(0.5 - 0.5 * np.cos(angle), 0.85).astype(np.float32)

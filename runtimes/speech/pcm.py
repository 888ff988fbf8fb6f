"""Samples as the packages of others take them."""

from __future__ import annotations

import numpy as np

from .protocol import Samples


def pcm16(samples: Samples) -> bytes:
    """float32 ``[n]`` in [-1, 1] as 16-bit little-endian PCM; what lies outside is cut."""
    return (np.clip(samples, -1.0, 32767 / 32768) * 32768).astype("<i2").tobytes()

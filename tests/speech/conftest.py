"""Speech of two synthesisers, made once."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
import soxr

from edge_sdk.runtimes.speech import RATE, load_component
from edge_sdk.runtimes.speech.protocol import Samples


@cache
def _say(voice: str, text: str) -> Samples:
    speech = load_component("voice", voice).speak(text)
    whole: Samples = soxr.resample(speech.samples, speech.rate, RATE).astype(np.float32)
    whole.flags.writeable = False
    return whole


@pytest.fixture(scope="session")
def say() -> Callable[[str, str], Samples]:
    """(voice, text) -> float32 ``[n]`` at 16 kHz."""
    return _say


def silence(seconds: float) -> Samples:
    """Faint noise: a recording is never digital silence."""
    noise = np.random.default_rng(0).normal(0, 1e-4, round(seconds * RATE))
    return noise.astype(np.float32)

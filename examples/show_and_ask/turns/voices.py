"""The users' voices, and what disturbs them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
import soxr

from edge_sdk.runtimes.speech import RATE, load_component
from edge_sdk.runtimes.speech.protocol import Samples, Voice

from ..data.mixing import noise_of
from .room import levelled

PAUSE = 0.4
# What people say to each other in the background.
_TALK = (
    "dinner is almost ready and the soup needs more pepper",
    "we should call your mother tonight about the garden",
    "our team lost again last night in the rain",
    "the washing machine is broken since yesterday",
)


@cache
def _voice(engine: str, name: str) -> Voice:
    found: Voice = load_component("voice", engine, {} if engine == "piper" else {"voice": name})
    return found


@cache
def say(engine: str, name: str, text: str) -> Samples:
    """``text``, float32 ``[n]`` at 16 kHz at the user's level, without silence at its ends."""
    speech = _voice(engine, name).speak(text)
    samples = soxr.resample(speech.samples, speech.rate, RATE).astype(np.float32)
    loud = np.flatnonzero(np.abs(samples) > 0.01 * np.abs(samples).max(initial=1e-6))
    samples = levelled(samples[loud[0] : loud[-1] + 1])
    samples.flags.writeable = False
    return samples


def background() -> list[Samples]:
    """People who talk to each other; none of the script's voices."""
    return [say("flite", "awb", text) for text in _TALK]


def quiet(seconds: float) -> Samples:
    """Nothing, for the room's own floor."""
    return np.zeros(round(seconds * RATE), np.float32)


def disturbed(
    samples: Samples, kind: str, snr_db: float, rng: np.random.Generator, others: Sequence[Samples]
) -> Samples:
    """``samples`` with noise of ``kind`` at ``snr_db`` below the user's voice all along.

    ``speech`` is one other person who talks on; ``babble`` are several of ``others``.
    """
    if kind == "speech":
        noise = np.resize(np.concatenate(others), len(samples))
    else:
        voices = [np.round(other * 32767).astype(np.int16) for other in others]
        noise = noise_of(kind, len(samples), rng, voices)
    power = float(np.mean(np.square(noise)))
    speech = samples[np.abs(samples) > 0.02 * np.abs(samples).max(initial=1e-6)]
    level = float(np.sqrt(np.mean(np.square(speech)) / 10 ** (snr_db / 10) / max(power, 1e-12)))
    return (samples + np.float32(level) * noise).astype(np.float32)

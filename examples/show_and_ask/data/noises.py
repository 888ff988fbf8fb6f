"""Rooms as loud as those in which an assistant is asked; their noises are not the test's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from .mixing import Int16, faster, floats, noise_of, reverb
from .speech import RATE, Wave

Part = Literal["train", "validation"]

#: Kinds of noise by split; the test's are in :data:`.mixing.NOISES`, and babble alone is in both,
#: of other voices.
NOISES: dict[Part, tuple[str, ...]] = {
    "train": ("white", "pink", "babble", "babble", "hum", "band", "swell", "clicks"),
    "validation": ("babble", "chords", "rain"),
}
# The level of the voice at the microphone, root mean square of full scale.
_LEVEL_DB = (-38.0, -16.0)
_BEFORE, _AFTER = (0.4, 0.9), 1.1
# How long nobody speaks after the wake word.
_NOBODY = (2.0, 4.0)


def heard(
    speech: Int16,
    rng: np.random.Generator,
    part: Part,
    babble: Sequence[Int16],
    snr_db: float | None = None,
) -> tuple[Wave, dict[str, float | str]]:
    """``speech`` int16 ``[n]`` in a noisy room, with pauses around it.

    Returns float32 ``[m]`` and what was done.

    ``babble`` are the voices in the background. Without ``snr_db`` a third is from 12 to 30 dB, the
    others from 0 to 15; it is that of the loud parts, as where the assistant is measured.
    """
    wave = floats(speech)
    if part == "train":
        wave = faster(wave, float(rng.uniform(0.9, 1.1)))
    loud = wave[np.abs(wave) > 0.02 * np.abs(wave).max(initial=1e-6)]
    power = float(np.mean(np.square(loud))) if loud.size else 1e-4
    before, after = (int(RATE * s) for s in (rng.uniform(*_BEFORE), _AFTER))
    wave = np.pad(wave, (before, after)).astype(np.float32)
    if rng.random() < 0.4:
        wave = reverb(wave, rng, "train")
    kind = _kind(rng, part)
    if snr_db is None:
        snr_db = _ratio(rng)
    noise = _noise(kind, wave.size, rng, babble)
    share = power / 10 ** (snr_db / 10) / max(float(np.mean(np.square(noise))), 1e-12)
    mixed = wave + np.float32(np.sqrt(share)) * noise
    gain = 10 ** (rng.uniform(*_LEVEL_DB) / 20) / np.sqrt(power)
    floor = rng.normal(0, 10 ** (rng.uniform(-85, -65) / 20), wave.size)
    out = np.clip(mixed * np.float32(gain) + floor, -1, 1).astype(np.float32)
    return out, {"noise": kind, "snr_db": round(snr_db, 1)}


def nobody(
    rng: np.random.Generator, part: Part, babble: Sequence[Int16]
) -> tuple[Wave, dict[str, float | str]]:
    """The same room where nobody speaks to the assistant: noise alone, as loud as there."""
    size = int(RATE * rng.uniform(*_NOBODY))
    kind = _kind(rng, part)
    noise = _noise(kind, size, rng, babble)
    power = max(float(np.mean(np.square(noise))), 1e-12)
    level_db = float(rng.uniform(*_LEVEL_DB)) - _ratio(rng)
    out = np.clip(noise * np.float32(10 ** (level_db / 20) / np.sqrt(power)), -1, 1)
    return out.astype(np.float32), {"noise": kind, "level_db": round(level_db, 1)}


def _kind(rng: np.random.Generator, part: Part) -> str:
    kinds = NOISES[part]
    return kinds[int(rng.integers(len(kinds)))]


def _ratio(rng: np.random.Generator) -> float:
    return float(rng.uniform(12, 30) if rng.random() < 1 / 3 else rng.uniform(0, 15))


def _noise(kind: str, n: int, rng: np.random.Generator, babble: Sequence[Int16]) -> Wave:
    time = np.arange(n, dtype=np.float32) / RATE
    if kind == "band":
        # One to three octaves of white noise.
        low = float(rng.uniform(100, 2500))
        return _between(n, low, low * 2 ** rng.uniform(1, 3), rng)
    if kind == "swell":
        slow = 1 + 0.8 * np.sin(2 * np.pi * rng.uniform(0.3, 3) * time + rng.uniform(0, 6.28))
        return (noise_of("pink", n, rng, ()) * slow).astype(np.float32)
    if kind == "clicks":
        found = 0.02 * rng.standard_normal(n, dtype=np.float32)
        for at in rng.integers(0, n, int(rng.integers(2, 8) * n / RATE) + 1):
            length = int(rng.integers(20, 300))
            burst = rng.standard_normal(length, dtype=np.float32) * np.linspace(1, 0, length) ** 2
            found[at : at + length] += burst[: n - at].astype(np.float32)
        return found
    if kind == "chords":
        found = np.zeros(n, np.float32)
        for at in range(0, n, RATE // 3):
            part = time[at : at + RATE // 3] - time[at]
            for pitch in 110 * 2 ** (rng.integers(0, 30, 3) / 12):
                for k in (1, 2, 3, 4):
                    found[at : at + len(part)] += np.sin(2 * np.pi * pitch * k * part) / k
        return found
    if kind == "rain":
        drops = rng.standard_normal(n, dtype=np.float32) * (rng.random(n) < 0.01)
        return (drops + 0.03 * _between(n, 500, 6000, rng)).astype(np.float32)
    return noise_of(kind, n, rng, babble)


def _between(n: int, low: float, high: float, rng: np.random.Generator) -> Wave:
    """White noise from ``low`` to ``high`` Hz."""
    size = 1 << (n - 1).bit_length()
    spectrum = np.fft.rfft(rng.standard_normal(size, dtype=np.float32))
    hz = np.fft.rfftfreq(size, 1 / RATE)
    return np.fft.irfft(spectrum * ((hz >= low) & (hz <= high)), size)[:n].astype(np.float32)

"""From clean speech to what a microphone in a room hears."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from .speech import RATE, Wave

Style = Literal["train", "test"]
Int16 = NDArray[np.int16]

NOISES: dict[Style, tuple[str, ...]] = {
    "train": ("white", "pink", "babble", "hum"),
    "test": ("brown", "clatter", "fan", "babble"),
}
SNR_DB: dict[Style, tuple[float, float]] = {"train": (5.0, 30.0), "test": (5.0, 25.0)}


def floats(samples: Int16) -> Wave:
    """int16 samples as float32 in [-1, 1]."""
    return samples.astype(np.float32) / np.float32(32768)


def mix(
    speech: Int16, rng: np.random.Generator, style: Style, babble: Sequence[Int16]
) -> tuple[Wave, dict[str, float | str]]:
    """``speech`` int16 ``[n]`` in a room with noise: float32 ``[m]`` in [-1, 1] and what was done.

    Silence of 0.1-0.5 s comes before and after; ``babble`` are the voices of the background.
    """
    wave = floats(speech)
    if style == "train":
        # A slightly other speaker each time: speed and pitch together, by resampling.
        wave = faster(wave, float(rng.uniform(0.9, 1.1)))
    before, after = (int(RATE * s) for s in rng.uniform(0.1, 0.5, 2))
    wave = np.pad(wave, (before, after)).astype(np.float32)
    if rng.random() < 0.5:
        wave = reverb(wave, rng, style)
    kind = str(rng.choice(NOISES[style]))
    noise = noise_of(kind, wave.size, rng, babble)
    snr = float(rng.uniform(*SNR_DB[style]))
    power = float(np.mean(np.square(wave[before : wave.size - after]))) if speech.size else 0.0
    level = np.sqrt(power / 10 ** (snr / 10) / max(float(np.mean(np.square(noise))), 1e-12))
    mixed = wave + np.float32(level) * noise
    gain = float(10 ** (rng.uniform(-18, -1) / 20)) / max(float(np.abs(mixed).max()), 1e-4)
    done: dict[str, float | str] = {"noise": kind, "snr_db": round(snr, 1)}
    return (mixed * np.float32(gain)).astype(np.float32), done


def faster(wave: Wave, factor: float) -> Wave:
    """``wave`` as a quicker or slower, higher or lower speaker says it, by resampling."""
    if wave.size == 0:
        return wave
    at = np.arange(0, wave.size - 1, factor, dtype=np.float32)
    return np.interp(at, np.arange(wave.size), wave).astype(np.float32)


def reverb(wave: Wave, rng: np.random.Generator, style: Style) -> Wave:
    """A room: a decaying noise tail behind the direct sound (60 dB down after ``seconds``)."""
    seconds = rng.uniform(0.1, 0.35) if style == "train" else rng.uniform(0.2, 0.45)
    n = int(seconds * RATE)
    tail = rng.standard_normal(n, dtype=np.float32) * np.exp(
        np.linspace(0, -6.9, n, dtype=np.float32)
    )
    tail *= np.float32(rng.uniform(0.1, 0.5) / np.sqrt(np.sum(np.square(tail))))
    tail[0] = 1.0
    return _convolve(wave, tail)[: wave.size]


def _convolve(a: Wave, b: Wave) -> Wave:
    n = 1 << (a.size + b.size - 2).bit_length()
    return np.fft.irfft(np.fft.rfft(a, n) * np.fft.rfft(b, n), n).astype(np.float32)


def _coloured(n: int, slope: float, rng: np.random.Generator) -> Wave:
    """Noise whose amplitude falls with frequency to the power of ``slope``, from 20 Hz."""
    size = 1 << (n - 1).bit_length()
    spectrum = np.fft.rfft(rng.standard_normal(size, dtype=np.float32))
    hz = np.maximum(np.fft.rfftfreq(size, 1 / RATE), 20.0)
    return np.fft.irfft(spectrum * hz**slope, size)[:n].astype(np.float32)


def noise_of(kind: str, n: int, rng: np.random.Generator, babble: Sequence[Int16]) -> Wave:
    """``n`` samples of a kind of :data:`NOISES`; ``babble`` are the voices for babble."""
    if kind == "babble" and babble:
        total = np.zeros(n, np.float32)
        for _ in range(int(rng.integers(3, 7))):
            other = floats(babble[int(rng.integers(len(babble)))])
            if other.size:
                total += np.roll(np.resize(other, n), int(rng.integers(n)))
        return total
    if kind == "pink":
        return _coloured(n, -0.5, rng)
    if kind == "brown":
        return _coloured(n, -1.0, rng)
    time = np.arange(n, dtype=np.float32) / RATE
    if kind == "hum":
        base = float(rng.choice([50.0, 60.0]))
        parts = [np.sin(2 * np.pi * base * k * time + rng.uniform(0, 6.28)) / k for k in (1, 2, 3)]
        return (sum(parts) + 0.1 * rng.standard_normal(n, dtype=np.float32)).astype(np.float32)
    if kind == "fan":
        blades = 1 + 0.5 * np.sin(2 * np.pi * rng.uniform(8, 25) * time)
        return (_coloured(n, -0.7, rng) * blades).astype(np.float32)
    if kind == "clatter":
        # Dishes: short ringing knocks over a quiet floor.
        knocks = np.zeros(n, np.float32)
        for _ in range(int(rng.integers(3, 12))):
            at, length = int(rng.integers(n)), int(rng.integers(400, 2400))
            ring = np.sin(2 * np.pi * rng.uniform(800, 4500) * time[:length])
            knock = ring * np.exp(-6 * np.arange(length) / length)
            end = min(n, at + length)
            knocks[at:end] += knock[: end - at].astype(np.float32)
        return knocks + 0.03 * rng.standard_normal(n, dtype=np.float32)
    return rng.standard_normal(n, dtype=np.float32)

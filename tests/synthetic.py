"""Small signals, pictures and a sample set, made from seeds: like real ones, but free and few."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from edge_sdk.samples import Sample, SampleSet, write_index

RATE = 16000
COLOURS = ("red", "green", "blue")
COMMANDS = ("stop", "what is this", "play some music")
LABELS = ("stop", "what-is-this", "play")


def speech_like(seconds: float, rate: int = RATE, seed: int = 0) -> NDArray[np.float32]:
    """A chirp with harmonics that swells and fades like syllables, noise bursts, an offset."""
    rng = np.random.default_rng(seed)
    time = np.arange(round(seconds * rate)) / rate
    pitch = 2 * np.pi * (120 * time + 80 * time**2 / max(seconds, 1e-9))
    voice = sum(np.sin(k * pitch) / k for k in range(1, 12))
    syllables = 0.05 + np.clip(np.sin(2 * np.pi * 3 * time), 0, None)
    bursts = rng.standard_normal(time.size) * (np.sin(2 * np.pi * 2 * time + 2) > 0.6)
    signal = 0.15 * voice * syllables + 0.08 * bursts + 0.02
    return (signal + 1e-3 * rng.standard_normal(time.size)).astype(np.float32)


def tone(hertz: float, seconds: float, rate: int = RATE) -> NDArray[np.float32]:
    """A sine of amplitude 0.5."""
    return (0.5 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)).astype("f4")


def picture(width: int, height: int, seed: int = 0) -> NDArray[np.uint8]:
    """Gradients, an ellipse off the middle and noise: no symmetry that could hide a mistake."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    pixels = np.stack([255 * x // width, 255 * y // height, 255 * (x + y) // (width + height)], -1)
    image = Image.fromarray(pixels.astype(np.uint8))
    box = (width // 8, height // 6, width // 2, height // 3)
    ImageDraw.Draw(image).ellipse(box, fill=(240, 30, 60))
    noisy = np.asarray(image).astype(np.int16) + rng.integers(-8, 9, pixels.shape)
    return noisy.clip(0, 255).astype(np.uint8)


def make_sample_set(root: Path, count: int = 48, seed: int = 0) -> SampleSet:
    """``intent`` is told by pitch and words, ``colour`` by the picture; every eighth sample
    lacks one modality."""
    rng = np.random.default_rng(seed)
    root.mkdir(parents=True, exist_ok=True)
    samples = []
    for i in range(count):
        intent, colour = int(rng.integers(3)), int(rng.integers(3))
        sound = speech_like(float(rng.uniform(0.5, 1.5)), seed=seed + i)
        sound = sound + tone(300 * 3**intent, sound.size / RATE)[: sound.size] * np.float32(0.4)
        soundfile.write(root / f"{i:03}.wav", sound.clip(-1, 1), RATE, subtype="PCM_16")
        frame = picture(40, 30, seed + i) // 3
        frame[:, :, colour] += 120
        Image.fromarray(frame).save(root / f"{i:03}.png")
        given = {"audio": f"{i:03}.wav", "image": f"{i:03}.png", "text": COMMANDS[intent]}
        if i % 8 == 7:
            del given[("audio", "image", "text")[i // 8 % 3]]
        labels = {"intent": LABELS[intent], "colour": COLOURS[colour]}
        samples.append(Sample(id=f"s{i:03}", labels=labels, **given))
    write_index(root, samples)
    return SampleSet.open(root)

"""Augmentation on finished features: hide bands and time of audio, erase parts of pictures."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float32]


def mask_features(
    features: Float,
    rng: np.random.Generator,
    *,
    bands: int = 12,
    frames: int = 15,
    masks: int = 2,
    fill: float = 0.0,
) -> Float:
    """A copy with up to ``masks`` stripes of each kind filled (SpecAugment, Park et al., 2019).

    ``features`` float32 ``[T, bands]``; a time stripe covers at most a fifth of the recording.
    """
    out: Float = features.copy()
    length, width = out.shape
    for _ in range(masks):
        high = int(rng.integers(0, min(bands, width) + 1))
        start = int(rng.integers(0, width - high + 1))
        out[:, start : start + high] = fill
        long = int(rng.integers(0, min(frames, length // 5) + 1))
        start = int(rng.integers(0, length - long + 1))
        out[start : start + long] = fill
    return out


def erase(pixels: Float, rng: np.random.Generator, *, share: float = 0.2) -> Float:
    """A copy with one rectangle of noise, at most ``share`` of the area (Zhong et al., 2020).

    ``pixels`` float32 ``[3, H, W]``, normalised.
    """
    out: Float = pixels.copy()
    _, height, width = out.shape
    area = float(rng.uniform(0.02, share)) * height * width
    aspect = float(np.exp(rng.uniform(-1.0, 1.0)))
    h = min(height, max(1, round((area * aspect) ** 0.5)))
    w = min(width, max(1, round((area / aspect) ** 0.5)))
    top = int(rng.integers(0, height - h + 1))
    left = int(rng.integers(0, width - w + 1))
    out[:, top : top + h, left : left + w] = rng.standard_normal((3, h, w))
    return out


def drop_tokens(
    ids: NDArray[np.int64], rng: np.random.Generator, *, chance: float = 0.1, unknown: int = 1
) -> NDArray[np.int64]:
    """A copy in which tokens become unknown or vanish, half of ``chance`` each; never empty."""
    out: NDArray[np.int64] = ids.copy()
    draw = rng.random(len(ids))
    out[draw < chance / 2] = unknown
    kept: NDArray[np.int64] = out[draw < 1 - chance / 2]
    return kept if len(kept) else out


def warp_bands(features: Float, rng: np.random.Generator, *, most: float = 0.1) -> Float:
    """A copy whose frequency axis is stretched by up to ``most``, as by another vocal tract.

    In the manner of vocal tract length perturbation (Jaitly and Hinton, 2013), but linear on the
    band axis of finished features. ``features`` float32 ``[T, bands]``.
    """
    width = features.shape[1]
    at = np.clip(np.arange(width) * (1 + rng.uniform(-most, most)), 0, width - 1)
    low = np.minimum(at.astype(np.int64), width - 2)
    share = (at - low).astype(np.float32)
    out: Float = features[:, low] * (1 - share) + features[:, low + 1] * share
    return out

"""Camera frames of somebody holding a card up: uint8 RGB ``[144, 192, 3]``.

``train`` and ``test`` differ in backgrounds, poses, light, blur, hands and camera noise.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from .backgrounds import FAMILIES, Pixels
from .pictures import Picture, decode

Style = Literal["train", "test"]
Frame = NDArray[np.uint8]

HEIGHT, WIDTH = 144, 192

_CARD = (150, 170)  # width, height of a card's own pixels, about its size in a large view
_BORDER = 9
_SKIN = ((236, 200, 172), (205, 160, 125), (160, 112, 80), (105, 70, 48), (245, 214, 190))


@dataclass(frozen=True)
class _Manner:
    """The ranges a style draws from; ``reach`` is the share of the frame left free at the side."""

    degrees: float
    height: tuple[float, float]
    reach: float
    perspective: float
    light: float
    cast: float
    blurred: float
    noise: tuple[float, float]
    hand: float


_MANNERS: dict[Style, _Manner] = {
    "train": _Manner(20, (0.50, 1.00), 0.16, 0.10, 0.45, 0.14, 0.4, (1, 9), 0.45),
    "test": _Manner(28, (0.50, 0.95), 0.18, 0.13, 0.55, 0.18, 0.4, (3, 12), 0.65),
}


def render(
    picture: Picture | None,
    rng: np.random.Generator,
    style: Style,
    size: tuple[int, int] = (HEIGHT, WIDTH),
) -> Frame:
    """A frame in which ``picture`` is held up, or, for None, one without any card.

    Args:
        picture: what is on the card.
        rng: every choice comes from it, so equal generators give equal frames.
        style: whose backgrounds, poses and disturbances to use.
        size: height and width in pixels.

    Returns:
        uint8 RGB ``[height, width, 3]``.
    """
    manner = _MANNERS[style]
    h, w = size
    families = FAMILIES[style]
    frame = families[int(rng.integers(len(families)))](rng, h, w)
    if picture is not None:
        frame = _hold_up(frame, picture.path, rng, manner)
    if rng.random() < (manner.hand if picture is not None else 0.5):
        frame = _hand(frame, rng, style)
    frame = _light(frame, rng, manner)
    if rng.random() < manner.blurred:
        frame = _blur(frame, rng, style)
    frame = _sensor(frame, rng, manner, style)
    result: Frame = np.clip(frame, 0, 255).astype(np.uint8)
    return _compress(result, rng) if rng.random() < 0.35 else result


@lru_cache(maxsize=4096)
def _card(path: Path, half: bool) -> Image.Image:
    """The card as RGBA with a transparent rim, so that its edges stay smooth when turned."""
    w, h = _CARD
    card = Image.new("RGBA", (w, h), (0, 0, 0, 0))
    draw = ImageDraw.Draw(card)
    draw.rounded_rectangle((2, 2, w - 3, h - 3), 8, (250, 249, 245, 255), (70, 70, 75, 255), 2)
    drawn = Image.fromarray(decode(path))
    drawn.thumbnail((w - 2 * _BORDER, h - 2 * _BORDER), Image.Resampling.LANCZOS)
    card.alpha_composite(drawn, ((w - drawn.width) // 2, (h - drawn.height) // 2))
    return card.resize((w // 2, h // 2), Image.Resampling.BOX) if half else card


def _hold_up(frame: Pixels, path: Path, rng: np.random.Generator, manner: _Manner) -> Pixels:
    h, w = frame.shape[:2]
    tall = h * rng.uniform(*manner.height)
    wide = tall * _CARD[0] / _CARD[1]
    angle = np.deg2rad(rng.uniform(-manner.degrees, manner.degrees))
    # The middle of the card may come near the frame's edge, so some of the card is cut off.
    cx = w / 2 + rng.uniform(-1, 1) * max(0.0, (w - wide) / 2 + manner.reach * wide)
    cy = h / 2 + rng.uniform(-1, 1) * max(0.0, (h - tall) / 2 + manner.reach * tall)
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * [wide / 2, tall / 2]
    corners *= 1 + rng.uniform(-manner.perspective, manner.perspective, (4, 2))
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    corners = corners @ turn + [cx, cy]
    # A card much smaller than its own pixels is taken from a reduced copy, or it would alias.
    card = _card(path, tall < 0.62 * _CARD[1])
    box = [(0, 0), (card.width, 0), (card.width, card.height), (0, card.height)]
    low = np.maximum(np.floor(corners.min(axis=0)).astype(int), 0)
    high = np.minimum(np.ceil(corners.max(axis=0)).astype(int), [w, h])
    size = (int(high[0] - low[0]), int(high[1] - low[1]))
    if min(size) < 2:
        return frame
    turned = card.transform(
        size,
        Image.Transform.PERSPECTIVE,
        _perspective(corners - low, np.array(box, float)),
        Image.Resampling.BILINEAR,
    )
    layer = np.asarray(turned, np.float32)
    part = frame[low[1] : high[1], low[0] : high[0]]
    alpha = layer[..., 3:] * np.float32(1 / 255)
    tone = np.float32(rng.uniform(0.8, 1.0))
    frame = frame.copy()
    frame[low[1] : high[1], low[0] : high[0]] = part + alpha * (layer[..., :3] * tone - part)
    return frame


def _perspective(
    seen: NDArray[np.float64], source: NDArray[np.float64]
) -> tuple[float, float, float, float, float, float, float, float]:
    """The eight numbers that map a point of the frame to one of the card, as Pillow wants them."""
    rows, values = [], []
    for (x, y), (u, v) in zip(seen, source, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        values += [u, v]
    a, b, c, d, e, f, g, i = np.linalg.solve(np.array(rows), np.array(values)).tolist()
    return a, b, c, d, e, f, g, i


def _hand(frame: Pixels, rng: np.random.Generator, style: Style) -> Pixels:
    """Something like a hand over a part of the frame: a blob in training, fingers in the test."""
    h, w = frame.shape[:2]
    mask = Image.new("L", (w, h))
    draw = ImageDraw.Draw(mask)
    side = rng.uniform(0.1, 0.9)
    if style == "train":
        x, y = w * side, h * rng.uniform(0.85, 1.1)
        rx, ry = rng.uniform(12, 30), rng.uniform(14, 44)
        draw.ellipse((x - rx, y - ry, x + rx, y + ry), 255)
        tx = x + rng.uniform(-20, 20)
        draw.ellipse((tx - 8, y - ry - 8, tx + 8, y), 255)
    else:
        x, y = w * side, float(h)
        for finger in range(int(rng.integers(2, 5))):
            tip = y - rng.uniform(18, 52)
            left = x + 13 * finger
            draw.rounded_rectangle((left, tip, left + 11, y + 20), 5, 255)
        draw.rounded_rectangle((x - 4, y - 14, x + 54, y + 30), 10, 255)
    skin = np.array(_SKIN[int(rng.integers(len(_SKIN)))], np.float32) * rng.uniform(0.8, 1.1)
    alpha = np.asarray(mask, np.float32)[..., None] / 255
    shade = np.linspace(1.05, 0.8, w, dtype=np.float32)[None, :, None]
    return (frame + alpha * (skin.astype(np.float32) * shade - frame)).astype(np.float32)


def _light(frame: Pixels, rng: np.random.Generator, manner: _Manner) -> Pixels:
    h, w = frame.shape[:2]
    angle = rng.uniform(0, 2 * np.pi)
    x = np.linspace(-1, 1, w, dtype=np.float32)[None, :] * np.float32(np.cos(angle))
    y = np.linspace(-1, 1, h, dtype=np.float32)[:, None] * np.float32(np.sin(angle))
    slope = np.float32(rng.uniform(0, manner.light) * 0.6)
    level = np.float32(rng.uniform(1 - manner.light, 1 + manner.light * 0.4))
    field = level * (1 + slope * (x + y))
    cast = rng.uniform(1 - manner.cast, 1 + manner.cast, 3).astype(np.float32)
    lit: Pixels = frame * np.asarray(field[..., None] * cast, np.float32)
    return lit


def _blur(frame: Pixels, rng: np.random.Generator, style: Style) -> Pixels:
    """Out of focus in training; moved while the shutter was open in the test (or both)."""
    if style == "test" and rng.random() < 0.6:
        steps = int(rng.integers(2, 6))
        axis = int(rng.integers(2))
        total = frame.copy()
        for step in range(1, steps):
            total += np.roll(frame, step, axis=axis)
        return total / np.float32(steps)
    image = Image.fromarray(np.clip(frame, 0, 255).astype(np.uint8))
    return np.asarray(image.filter(ImageFilter.BoxBlur(float(rng.uniform(0.4, 1.6)))), np.float32)


@lru_cache(maxsize=2)
def _grain() -> NDArray[np.float32]:
    """A sheet of unit noise; a frame's noise is a random window of it, which is far faster than
    drawing eighty thousand normal numbers a frame and looks the same."""
    return np.random.default_rng(20).standard_normal((512, 640, 3), dtype=np.float32)


def _sensor(frame: Pixels, rng: np.random.Generator, manner: _Manner, style: Style) -> Pixels:
    h, w = frame.shape[:2]
    sheet = _grain()
    if h >= sheet.shape[0] or w >= sheet.shape[1]:
        noise = rng.standard_normal(frame.shape, dtype=np.float32)
    else:
        y = int(rng.integers(sheet.shape[0] - h))
        x = int(rng.integers(sheet.shape[1] - w))
        noise = sheet[y : y + h, x : x + w]
    amount = np.float32(rng.uniform(*manner.noise))
    if style == "test":
        # Bright pixels are noisier, and rows of a cheap sensor differ a little.
        rows = rng.standard_normal((h, 1, 1), dtype=np.float32)
        noise = noise * (np.float32(0.5) + frame * np.float32(1 / 255)) + np.float32(0.4) * rows
    return frame + amount * noise


def _compress(frame: Frame, rng: np.random.Generator) -> Frame:
    """What a motion-JPEG camera leaves of the frame."""
    packed = io.BytesIO()
    Image.fromarray(frame).save(packed, "JPEG", quality=int(rng.integers(30, 90)))
    with Image.open(packed) as image:
        return np.asarray(image.convert("RGB"))

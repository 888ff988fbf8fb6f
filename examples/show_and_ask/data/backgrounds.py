"""Procedural rooms behind the card: float32 ``[h, w, 3]`` in 0..255. No family is in two styles."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Pixels = NDArray[np.float32]
Family = Callable[[np.random.Generator, int, int], Pixels]


def _colours(rng: np.random.Generator, count: int) -> Pixels:
    """``count`` RGB colours, mostly muted, as rooms are."""
    grey = rng.uniform(30, 225, (count, 1))
    tint = rng.normal(0, rng.choice([8.0, 25.0, 50.0]), (count, 3))
    return np.clip(grey + tint, 0, 255).astype(np.float32)


def _field(rng: np.random.Generator, h: int, w: int, cells: int) -> Pixels:
    """Smooth noise 0..1 ``[h, w]`` with about ``cells`` bumps across."""
    grid = rng.integers(0, 256, (max(2, cells * h // w), max(2, cells)), dtype=np.uint8)
    smooth = Image.fromarray(grid).resize((w, h), Image.Resampling.BICUBIC)
    return np.asarray(smooth, np.float32) / np.float32(255)


def _blend(share: Pixels, low: Pixels, high: Pixels) -> Pixels:
    return low + share[..., None] * (high - low)


def _axes(h: int, w: int) -> tuple[Pixels, Pixels]:
    return np.arange(h, dtype=np.float32)[:, None], np.arange(w, dtype=np.float32)[None, :]


def _tuple(colour: Pixels) -> tuple[int, int, int]:
    return int(colour[0]), int(colour[1]), int(colour[2])


def gradient(rng: np.random.Generator, h: int, w: int) -> Pixels:
    """A wall under one light: a linear change from one colour to another."""
    y, x = _axes(h, w)
    angle = rng.uniform(0, 2 * np.pi)
    ramp = x * np.float32(np.cos(angle) / w) + y * np.float32(np.sin(angle) / h)
    low, high = _colours(rng, 2)
    return _blend((ramp - ramp.min()) / max(float(np.ptp(ramp)), 1e-6), low, high)


def value_noise(rng: np.random.Generator, h: int, w: int) -> Pixels:
    """Carpet or plaster: smooth noise of two sizes."""
    share = 0.65 * _field(rng, h, w, int(rng.integers(3, 8)))
    share += 0.35 * _field(rng, h, w, int(rng.integers(10, 50)))
    low, high = _colours(rng, 2)
    return _blend(share, low, high)


def stripes(rng: np.random.Generator, h: int, w: int) -> Pixels:
    """Curtains: straight stripes in two colours."""
    y, x = _axes(h, w)
    angle = rng.uniform(0, np.pi)
    phase = (np.cos(angle) * x + np.sin(angle) * y) * (2 * np.pi / rng.uniform(8, 50))
    sharp = np.float32(rng.uniform(0.7, 4.0))
    low, high = _colours(rng, 2)
    return _blend(np.clip(0.5 + sharp * np.sin(phase), 0, 1).astype(np.float32), low, high)


def clutter(rng: np.random.Generator, h: int, w: int) -> Pixels:
    """A desk: rectangles of many sizes over each other."""
    count = int(rng.integers(8, 24))
    colours = _colours(rng, count + 1)
    image = Image.new("RGB", (w, h), _tuple(colours[count]))
    draw = ImageDraw.Draw(image)
    for colour in colours[:count]:
        x, y = rng.uniform(-20, w), rng.uniform(-20, h)
        draw.rectangle((x, y, x + rng.uniform(6, 70), y + rng.uniform(6, 60)), _tuple(colour))
    return np.asarray(image, np.float32)


def blobs(rng: np.random.Generator, h: int, w: int) -> Pixels:
    """Toys out of focus: coloured ellipses on a plain ground."""
    count = int(rng.integers(4, 14))
    colours = _colours(rng, count + 1)
    image = Image.new("RGB", (w, h), _tuple(colours[count]))
    draw = ImageDraw.Draw(image)
    for colour in colours[:count]:
        x, y, r = rng.uniform(0, w), rng.uniform(0, h), rng.uniform(5, 40)
        draw.ellipse((x - r, y - r * 0.8, x + r, y + r * 0.8), _tuple(colour))
    return np.asarray(image, np.float32)


def wood(rng: np.random.Generator, h: int, w: int) -> Pixels:
    """A table top: rings of a trunk cut off its middle."""
    y, x = _axes(h, w)
    cy, cx = rng.uniform(-h, 2 * h), rng.uniform(-w, 2 * w)
    radius = np.sqrt((x - cx) ** 2 + (rng.uniform(2, 6) * (y - cy)) ** 2)
    radius += 20 * _field(rng, h, w, 5)
    share = (0.5 + 0.5 * np.sin(radius / rng.uniform(1.5, 6))) ** 2
    base = np.array([150, 100, 55], np.float32) * np.float32(rng.uniform(0.5, 1.4))
    dark, bright = (np.clip(base * f, 0, 255).astype(np.float32) for f in (0.7, 1.0))
    return _blend(share.astype(np.float32), dark, bright)


def bricks(rng: np.random.Generator, h: int, w: int) -> Pixels:
    """A wall of bricks with mortar, every other row shifted."""
    y, x = _axes(h, w)
    bh, bw = rng.uniform(8, 22), rng.uniform(20, 50)
    row = np.floor(y / bh)
    shifted = x + (row % 2) * bw / 2
    mortar = (y % bh < 1.6) | (shifted % bw < 1.8)
    shade = np.sin(row * 12.9 + np.floor(shifted / bw) * 78.2) * 0.5 + 0.5
    low, high, joint = _colours(rng, 3)
    low[0] += 30
    wall = _blend(shade.astype(np.float32), low, low * 0.6 + high * 0.4)
    return np.clip(np.where(mortar[..., None], joint, wall), 0, 255).astype(np.float32)


def plaid(rng: np.random.Generator, h: int, w: int) -> Pixels:
    """A shirt or blanket: bands across each other."""
    y, x = _axes(h, w)
    base, across, down = _colours(rng, 3)
    u = sum(np.sin(x * 2 * np.pi / p) > 0.3 for p in rng.uniform(12, 60, 2)) / 2
    v = sum(np.sin(y * 2 * np.pi / p) > 0.3 for p in rng.uniform(12, 60, 2)) / 2
    mixed = base + 0.45 * u[..., None] * (across - base) + 0.45 * v[..., None] * (down - base)
    clipped: Pixels = np.clip(mixed, 0, 255).astype(np.float32)
    return clipped


def room(rng: np.random.Generator, h: int, w: int) -> Pixels:
    """A living room: wall, floor, a window, a shelf with books, a lamp, a sofa."""
    wall, floor, sofa, wood_colour, *books = _colours(rng, 16)
    image = Image.new("RGB", (w, h), _tuple(wall))
    draw = ImageDraw.Draw(image)
    horizon = int(h * rng.uniform(0.55, 0.8))
    draw.polygon([(0, horizon + rng.uniform(-8, 8)), (w, horizon), (w, h), (0, h)], _tuple(floor))
    wx, wy = rng.uniform(0, w * 0.7), rng.uniform(4, h * 0.2)
    draw.rectangle((wx, wy, wx + 48, wy + 46), (225, 235, 250), outline=_tuple(wood_colour))
    draw.line((wx + 24, wy, wx + 24, wy + 46), _tuple(wood_colour), 2)
    sx, sy = rng.uniform(0, w * 0.7), rng.uniform(h * 0.25, h * 0.55)
    for n, colour in enumerate(books):
        top = sy - rng.uniform(12, 22)
        draw.rectangle((sx + 5 * n, top, sx + 5 * n + 4, sy), _tuple(colour))
    draw.rectangle((sx - 4, sy, sx + 66, sy + 3), _tuple(wood_colour))
    fx = rng.uniform(-20, w * 0.6)
    box = (fx, horizon - 14, fx + 90, horizon + 26)
    draw.rounded_rectangle(box, 8, _tuple(sofa))
    draw.rounded_rectangle((fx, horizon - 30, fx + 90, horizon), 6, _tuple(sofa * 0.85))
    return np.asarray(image, np.float32)


FAMILIES: dict[str, tuple[Family, ...]] = {
    "train": (gradient, value_noise, stripes, clutter, blobs),
    "test": (wood, bricks, plaid, room),
}

"""Which layers to keep in floating point: the guilty ones, at the least cost."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from .layers import Layer
from .noise import LayerNoise, PartNoise, decibel

#: How much better than plain int8 a mixed graph is to be.
GAIN_DB = 6.0
#: At most this share of the part's weights and multiply-accumulates stays float for it.
MOST = 0.5
# What a layer costs at least, so that one without weights does not come for nothing.
_BASE = 0.002


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A layer that stays float, and what it alone would cost in int8: dB on the part's output."""

    layer: str
    snr_db: float
    noise_share: float

    @property
    def sentence(self) -> str:
        """Why it was kept."""
        return (
            f"{self.layer} stays float: alone in int8 it leaves {self.snr_db:.1f} dB, "
            f"{self.noise_share:.0%} of the part's rounding noise"
        )


def guilty_first(noise: PartNoise) -> tuple[LayerNoise, ...]:
    """The layers by the noise that keeping one removes for each weight and MAC that stays float."""
    weights = sum(x.layer.weights for x in noise.layers) or 1
    macs = sum(x.layer.macs for x in noise.layers) or 1

    def merit(x: LayerNoise) -> float:
        return x.noise / _cost(x.layer, weights, macs)

    return tuple(sorted(noise.layers, key=lambda x: (-merit(x), x.layer.name)))


def keep_by_noise(
    noise: PartNoise, *, gain_db: float = GAIN_DB, most: float = MOST
) -> tuple[Kept, ...]:
    """The layers to keep so that the part's output gains ``gain_db``.

    Layers' noises add up (they are independent to a good approximation), so it is enough to
    measure each alone. It ends early where ``most`` of the part would stay float.
    """
    weights = sum(x.layer.weights for x in noise.layers) or 1
    macs = sum(x.layer.macs for x in noise.layers) or 1
    total = sum(x.noise for x in noise.layers)
    left, spent = total, 0.0
    kept: list[LayerNoise] = []
    for x in guilty_first(noise):
        if left <= total * 10 ** (-gain_db / 10) or x.noise <= 0:
            break
        cost = _cost(x.layer, weights, macs)
        if spent + cost <= most:
            kept.append(x)
            left, spent = left - x.noise, spent + cost
    return _reasons(kept, total)


def keep_by_accuracy(
    noise: PartNoise, drop: Callable[[Sequence[str]], float], limit: float
) -> tuple[Kept, ...] | None:
    """The fewest of the guilty layers whose keeping makes ``drop`` at most ``limit``.

    Args:
        noise: of the part.
        drop: points that the worst head loses with these layers kept, the rest in int8: by
            evaluation samples.
        limit: the budget.

    Returns:
        The layers, none if int8 as a whole keeps the budget; None where half of them kept does
        not. Found by bisection: a handful of trials.
    """
    order = guilty_first(noise)
    total = sum(x.noise for x in noise.layers)

    def keeps(count: int) -> bool:
        return drop([x.layer.name for x in order[:count]]) <= limit

    if keeps(0):
        return ()
    low, high = 0, max(1, len(order) // 2)
    if not order or not keeps(high):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if keeps(middle) else (middle, high)
    return _reasons(order[:high], total)


def _reasons(kept: Sequence[LayerNoise], total: float) -> tuple[Kept, ...]:
    return tuple(
        Kept(
            layer=x.layer.name,
            snr_db=decibel(x.noise),
            noise_share=x.noise / total if total else 0.0,
        )
        for x in kept
    )


def _cost(layer: Layer, weights: int, macs: int) -> float:
    """The share of the part that stays float with a layer: of its weights and of its MACs."""
    return _BASE + (layer.weights / weights + layer.macs / macs) / 2

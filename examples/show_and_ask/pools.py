"""Rendered material on disk, in shares, so that what was rendered once is not rendered again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from edge_sdk.files import replacing

from .feeding import Pools


def save_pools(path: Path, pools: Pools) -> None:
    """Write ``path``, an ``.npz`` file without pickled objects."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as aside, aside.open("wb") as file:
        np.savez(
            file,
            pictures=pools.pictures,
            cards=pools.cards,
            categories=pools.categories,
            sounds=np.concatenate(pools.sounds),
            frames=np.array([len(sound) for sound in pools.sounds]),
            said=np.array(pools.said),
            intents=pools.intents,
        )


def load_pools(path: Path) -> Pools:
    """What :func:`save_pools` wrote."""
    with np.load(path, allow_pickle=False) as held:
        ends = np.cumsum(held["frames"])[:-1]
        return Pools(
            held["pictures"],
            held["cards"],
            held["categories"],
            np.split(held["sounds"], ends),
            held["said"].tolist(),
            held["intents"],
        )


def joined(pools: Sequence[Pools]) -> Pools:
    """Several shares as one."""
    return Pools(
        np.concatenate([p.pictures for p in pools]),
        np.concatenate([p.cards for p in pools]),
        np.concatenate([p.categories for p in pools]),
        [sound for p in pools for sound in p.sounds],
        [words for p in pools for words in p.said],
        np.concatenate([p.intents for p in pools]),
    )

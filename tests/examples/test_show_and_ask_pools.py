"""Rendered material comes back from disk as it was, and shares become one."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import numpy as np

from examples.show_and_ask.feeding import Pools
from examples.show_and_ask.pools import joined, load_pools, save_pools


def share(seed: int) -> Pools:
    rng = np.random.default_rng(seed)
    return Pools(
        pictures=rng.integers(0, 256, (3, 4, 4, 3)).astype(np.uint8),
        cards=rng.integers(-1, 5, 3),
        categories=rng.integers(-1, 5, 3),
        sounds=[rng.normal(size=(n, 8)).astype(np.float16) for n in (1, 7, 3, 2)],
        said=["stop", "what is this?", "", "grüß dich"],
        intents=rng.integers(0, 5, 4),
    )


def same(one: Pools, other: Pools) -> bool:
    pairs = [(getattr(one, f.name), getattr(other, f.name)) for f in fields(Pools)]
    return all(
        len(a) == len(b) and all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))
        for a, b in pairs
    )


def test_pools_come_back_as_they_were(tmp_path: Path) -> None:
    pools = share(1)
    save_pools(tmp_path / "new" / "pool.npz", pools)
    found = load_pools(tmp_path / "new" / "pool.npz")
    assert same(found, pools)
    assert found.pictures.dtype == np.uint8
    assert found.sounds[0].dtype == np.float16
    assert not same(found, share(2))


def test_shares_become_one() -> None:
    whole = joined([share(1), share(2)])
    assert len(whole.pictures) == 6
    assert whole.said[4:] == share(2).said
    assert np.array_equal(whole.sounds[5], share(2).sounds[1])

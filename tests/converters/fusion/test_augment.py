"""Augmentation leaves its input alone, keeps shapes, and repeats for equal seeds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_sdk.converters.fusion.augment import drop_tokens, erase, mask_features, warp_bands

seeds = st.integers(0, 2**32 - 1)


@given(seed=seeds, frames=st.integers(1, 60), bands=st.integers(2, 40))
def test_masked_features_differ_only_in_stripes(seed: int, frames: int, bands: int) -> None:
    x = np.ones((frames, bands), np.float32)
    out = mask_features(x, np.random.default_rng(seed))
    assert out.shape == x.shape
    assert x.all()
    hidden = out == 0
    rows, columns = hidden.all(axis=1), hidden.all(axis=0)
    assert np.array_equal(hidden, rows[:, None] | columns[None, :])
    assert np.array_equal(out, mask_features(x, np.random.default_rng(seed)))


@given(seed=seeds, bands=st.integers(2, 80))
def test_warping_stays_within_the_values(seed: int, bands: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(5, bands)).astype(np.float32)
    out = warp_bands(x, rng)
    assert out.shape == x.shape
    assert out.dtype == np.float32
    low, high = x.min(axis=1, keepdims=True), x.max(axis=1, keepdims=True)
    assert ((out >= low - 1e-5) & (out <= high + 1e-5)).all()


def test_no_warp_is_identity() -> None:
    x = np.random.default_rng(0).normal(size=(4, 20)).astype(np.float32)
    np.testing.assert_allclose(warp_bands(x, np.random.default_rng(0), most=0.0), x, atol=1e-6)


@given(seed=seeds, length=st.integers(1, 20), chance=st.floats(0, 1))
def test_dropped_tokens_are_never_all(seed: int, length: int, chance: float) -> None:
    ids = np.arange(2, 2 + length)
    out = drop_tokens(ids, np.random.default_rng(seed), chance=chance)
    assert 1 <= len(out) <= length
    kept = [token for token in out if token != 1]
    assert kept == sorted(kept)
    assert set(kept) <= set(ids)


@pytest.mark.parametrize("seed", range(20))
def test_erasing_covers_one_rectangle(seed: int) -> None:
    x = np.full((3, 24, 32), 100.0, np.float32)
    changed = (erase(x, np.random.default_rng(seed), share=0.2) != 100).all(axis=0)
    assert (x == 100).all()
    rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
    assert changed[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].all()
    assert 0 < changed.mean() < 0.25

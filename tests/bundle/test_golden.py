"""Golden vectors: their bytes, and how a result is held against them."""

from __future__ import annotations

import io

import numpy as np
import pytest

from edge_sdk.bundle.golden import Deviation, compare, decode_arrays, encode_arrays
from edge_sdk.bundle.golden_output import settle_output
from edge_sdk.bundle.manifest import Head, Tolerance
from edge_sdk.errors import BundleError

ARRAYS = {"b": np.arange(6, dtype=np.float32).reshape(2, 3), "a.x": np.array([1, 2], np.int64)}


def test_arrays_come_back_and_their_bytes_do_not_depend_on_order_or_clock(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    content = encode_arrays(ARRAYS)
    back = decode_arrays(content, "here")
    assert {name: a.tolist() for name, a in back.items()} == {
        name: a.tolist() for name, a in ARRAYS.items()
    }
    assert {name: a.dtype for name, a in back.items()} == {n: a.dtype for n, a in ARRAYS.items()}
    monkeypatch.setattr("time.time", lambda: 2e9)
    assert encode_arrays(dict(reversed(ARRAYS.items()))) == content


def test_what_is_no_array_file_is_refused_and_nothing_is_unpickled() -> None:
    pickled = io.BytesIO()
    np.savez(pickled, a=np.array([{"code": 1}], object))
    whole = encode_arrays(ARRAYS)
    for content in (b"", b"no", whole[: len(whole) // 2], pickled.getvalue()):
        with pytest.raises(BundleError, match="golden values in here are damaged"):
            decode_arrays(content, "here")


LIMIT = Tolerance(max_abs=0.01, min_snr_db=40.0)
ONES = np.ones((1, 4), np.float32)


@pytest.mark.parametrize(
    ("got", "ok"),
    [
        (ONES, True),
        (ONES + np.float32(0.009), True),
        (ONES * np.float32(1.02), False),
        (ONES * np.nan, False),
        (ONES * np.inf, False),
        (ONES[:, :3], False),
        (ONES[0], False),
    ],
)
def test_within_tolerance(got: np.ndarray, ok: bool) -> None:
    assert compare("stage", got, ONES, LIMIT).ok is ok


def test_a_large_value_may_be_off_by_more_if_the_ratio_is_right() -> None:
    deviation = compare("stage", ONES * 1000 + 1, ONES * 1000, LIMIT)
    assert deviation.ok
    assert deviation.max_abs == pytest.approx(1.0)
    assert deviation.snr_db == pytest.approx(60.0, abs=0.01)
    assert not compare("stage", ONES * 1000 + 20, ONES * 1000, LIMIT).ok


def test_something_where_nothing_is_expected() -> None:
    deviation = compare("stage", ONES, ONES * 0, LIMIT)
    assert not deviation.ok
    assert deviation.snr_db == float("-inf")
    assert compare("stage", ONES * 0, ONES * 0, LIMIT).ok


TWO = Head(name="yes", labels=("no", "yes"), task="binary")
INT8 = Tolerance(max_abs=1e-3, min_snr_db=20.0)
#: Outputs of other golden samples; the first one nearly cancels.
EVERY = [np.array([[value]], np.float32) for value in (0.05, 3.0, -2.0)]


def settled(got: float, every: list[np.ndarray] = EVERY, share: float = 0.025) -> Deviation:
    output = np.array([[got]], np.float32)
    found = compare("output.yes", output, every[0], INT8)
    return settle_output(found, TWO, output, every[0], every, INT8, share)


def test_an_int8_output_that_nearly_cancels_is_held_by_its_probability() -> None:
    result = settled(0.02)
    assert result.snr_db < 20
    assert result.ok
    assert result.probability == pytest.approx(0.0075, rel=0.01)


def test_an_output_within_its_own_tolerance_is_not_asked_again() -> None:
    assert settled(0.0505) == compare("output.yes", np.array([[0.0505]], "f4"), EVERY[0], INT8)


def test_what_changes_a_probability_stays_wrong() -> None:
    result = settled(0.3)
    assert not result.ok
    assert result.probability == pytest.approx(0.062, abs=0.001)


def test_small_outputs_do_not_excuse_a_wrong_graph() -> None:
    # Every output is small: nothing is what a dead graph gives, and no probability is far off.
    small = [value / 60 for value in EVERY]
    assert not settled(0.0, [small[1], *small], share=0.5).ok
    assert not settled(0.0, [EVERY[0]]).ok
    # Nor does a probability that is 1 whatever the output is.
    large = [np.array([[value]], np.float32) for value in (30.0, 28.0)]
    assert not settled(15.0, large).ok


def test_no_number_is_no_answer() -> None:
    assert not settled(float("nan")).ok

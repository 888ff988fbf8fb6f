"""Times and sizes as people write them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_sdk.units import format_bytes, format_milliseconds, parse_bytes, parse_milliseconds


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [("25ms", 25), ("0.5s", 500), (" 1 S ", 1000), ("800us", 0.8), (".5ms", 0.5)],
)
def test_times(text: str, milliseconds: float) -> None:
    assert parse_milliseconds(text) == pytest.approx(milliseconds)


@pytest.mark.parametrize(
    ("text", "size"),
    [("2MB", 2_000_000), ("500 kb", 500_000), ("1.5MiB", 1_572_864), ("10B", 10), ("1GB", 10**9)],
)
def test_sizes(text: str, size: int) -> None:
    assert parse_bytes(text) == size


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("25", "has no unit; write it as 25ms"),
        ("25MB", "has the unit 'MB', and a length of time has not"),
        ("", "is not a length of time"),
        ("-3ms", "is not a length of time"),
        ("1e3ms", "is not a length of time"),
        ("0ms", "more than nothing"),
        ("nan ms", "is not a length of time"),
    ],
)
def test_what_is_no_time_is_said(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=re.escape(why)):
        parse_milliseconds(text)


@given(st.floats(0.01, 1e6))
def test_a_time_that_is_advised_is_enough_and_hardly_more(value: float) -> None:
    shown = parse_milliseconds(format_milliseconds(value))
    assert value - 1e-9 * value <= shown <= max(value * 1.011, value + 0.01)


@given(st.integers(1_000, 10**9))
def test_a_size_that_is_advised_is_enough_and_hardly_more(value: int) -> None:
    assert value <= parse_bytes(format_bytes(value)) <= value * 1.011

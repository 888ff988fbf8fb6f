from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_sdk.runtimes.assistant.durations import parse_duration, spoken_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("set a timer for five minutes", 300),
        ("timer for 5 minutes please", 300),
        ("half an hour", 1800),
        ("one and a half minutes", 90),
        ("a minute and a half", 90),
        ("an hour and ten minutes", 4200),
        ("twenty five seconds", 25),
        ("twenty-five seconds", 25),
        ("a ten minute timer", 600),
        ("start the timer", None),
        ("a hundred hours", None),
        ("minutes", None),
        ("five", None),
        ("", None),
    ],
)
def test_lengths_in_words(text: str, seconds: int | None) -> None:
    assert parse_duration(text) == seconds


@given(st.integers(1, 24 * 3600))
def test_what_is_spoken_is_understood(seconds: int) -> None:
    assert parse_duration(spoken_duration(seconds)) == seconds


@given(st.text())
def test_any_text_gives_a_length_or_none(text: str) -> None:
    found = parse_duration(text)
    assert found is None or 0 < found <= 24 * 3600

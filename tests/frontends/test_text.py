"""Text in: words, pieces, what is unknown, and any Unicode there is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_sdk.errors import InputError
from edge_sdk.frontends.config import TextConfig
from edge_sdk.frontends.text import TextFrontend

VOCABULARY = ("[pad]", "[unk]", "what", "is", "this", "play", "##s", "##ing", "##in", "don't",
              "cafe", "strasse", "istanbul", "안녕", "a", "##b", "2")  # fmt: skip
IDS = {token: i for i, token in enumerate(VOCABULARY)}
FRONTEND = TextFrontend(TextConfig(vocabulary=VOCABULARY, max_tokens=12))


def tokens(text: str, frontend: TextFrontend = FRONTEND) -> list[str]:
    ids = frontend(text)
    assert ids.dtype == np.int64
    assert ids.shape[0] == 1
    return [VOCABULARY[i] for i in ids[0]]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("What is this?", "what is this"),
        ("  what\tis\n\nthis!!", "what is this"),
        ("plays", "play ##s"),
        ("playing", "play ##ing"),  # the longest piece, not ##in
        ("playin", "play ##in"),
        ("don't", "don't"),
        ("don’t", "don't"),
        ("'this'", "this"),
        ("what-is_this", "what is this"),
        ("2", "2"),
        ("²", "2"),
        ("café", "cafe"),
        ("cafe\N{COMBINING ACUTE ACCENT}", "cafe"),
        ("ＷＨＡＴ", "what"),
        ("Straße", "strasse"),
        ("STRASSE", "strasse"),
        ("İstanbul", "istanbul"),
        ("안녕", "안녕"),
        ("\N{HANGUL CHOSEONG IEUNG}\N{HANGUL JUNGSEONG A}\N{HANGUL JONGSEONG NIEUN}녕", "안녕"),
    ],
)
def test_words_and_pieces(text: str, expected: str) -> None:
    assert tokens(text) == expected.split()


def test_an_unknown_character_costs_one_token_and_not_the_word() -> None:
    assert tokens("aξb") == ["a", "[unk]", "##b"]
    assert tokens("ξξ this") == ["[unk]", "[unk]", "this"]


def test_the_names_of_special_tokens_in_a_text_are_ordinary_words() -> None:
    assert IDS["[pad]"] not in FRONTEND("[pad] [unk] this")[0]


def test_only_the_first_tokens_are_kept() -> None:
    assert tokens("this " * 50 + "what") == ["this"] * 12
    assert tokens("this " * 11 + "playing") == ["this"] * 11 + ["play"]


def test_case_and_accents_can_be_kept() -> None:
    config = TextConfig(vocabulary=("[pad]", "[unk]", "Café"), lowercase=False, strip_accents=False)
    kept = TextFrontend(config)
    assert kept("Café")[0].tolist() == [2]
    assert kept("Cafe\N{COMBINING ACUTE ACCENT}")[0].tolist() == [2]
    assert set(kept("café")[0].tolist()) == {1}


@pytest.mark.parametrize("text", ["", "   ", "?!...", "\N{COMBINING ACUTE ACCENT}", "🙂", "___"])
def test_a_text_without_letter_or_digit_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="no letter or digit"):
        FRONTEND(text)


@pytest.mark.parametrize("text", [None, 5, b"what", ["what"]])
def test_what_is_no_string_is_refused(text: object) -> None:
    with pytest.raises(InputError, match="must be a string"):
        FRONTEND(text)


@given(st.text(), st.sampled_from("abcXYZ"), st.text())
@settings(max_examples=300, deadline=None)
def test_any_string_with_a_letter_gives_known_ids(before: str, letter: str, after: str) -> None:
    ids = FRONTEND(before + letter + after)
    assert ids.ndim == 2
    assert 1 <= ids.shape[1] <= 12
    assert ids.min() >= 1
    assert ids.max() < len(VOCABULARY)


@given(st.text(max_size=30))
@settings(max_examples=200, deadline=None)
def test_normalising_twice_is_normalising_once(text: str) -> None:
    words = FRONTEND.normalise(text)
    assert FRONTEND.normalise(" ".join(words)) == words


def test_a_very_long_text_costs_no_more_than_its_beginning() -> None:
    assert tokens("this " * 1_000_000) == ["this"] * 12


@pytest.mark.parametrize(
    ("vocabulary", "why"),
    [(("[unk]", "[pad]"), "must begin"), (("[pad]", "[unk]", "a", "a"), "repeats a token")],
)
def test_a_vocabulary_that_makes_no_sense_is_refused(vocabulary: tuple[str, ...], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        TextConfig(vocabulary=vocabulary)

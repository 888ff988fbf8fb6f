from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from edge_sdk.errors import InputError, UsageError
from edge_sdk.runtimes.speech import load_component
from edge_sdk.runtimes.speech.protocol import Recogniser, Samples

Say = Callable[[str, str], Samples]
PHRASES = ["what is this called", "next card please", "turn the volume up"]


@pytest.fixture(scope="module")
def whisper() -> Iterator[Recogniser]:
    recogniser = load_component("recogniser", "whisper", {"threads": 1})
    yield recogniser
    recogniser.close()


@pytest.mark.parametrize("text", [*PHRASES[:2], "start a timer"])
def test_whisper_writes_down_what_was_said(say: Say, whisper: Recogniser, text: str) -> None:
    found = whisper.transcribe(say("flite", text))
    assert found.text == text
    assert found.confidence is not None
    assert 0.5 < found.confidence <= 1.0


@pytest.mark.parametrize("voice", ["flite", "espeak", "piper"])
def test_a_grammar_tells_its_phrases_apart(say: Say, voice: str) -> None:
    recogniser = load_component("recogniser", "pocketsphinx", {"phrases": PHRASES})
    for text in PHRASES:
        assert recogniser.transcribe(say(voice, text)).text == text


def test_a_grammar_file_works_as_phrases_do(say: Say, tmp_path: Path) -> None:
    file = tmp_path / "commands.gram"
    file.write_text("#JSGF V1.0;\ngrammar g;\npublic <c> = next card [please] | stop;\n")
    recogniser = load_component("recogniser", "pocketsphinx", {"grammar": str(file)})
    assert recogniser.transcribe(say("flite", "next card")).text == "next card"
    assert recogniser.transcribe(say("flite", "stop")).text == "stop"


def test_sentences_make_a_model_that_hears_their_words_in_other_orders(
    say: Say, tmp_path: Path
) -> None:
    file = tmp_path / "sentences.txt"
    file.write_text("turn the volume up\nis this a card\nwhat is this called\nturn the card\n")
    recogniser = load_component("recogniser", "pocketsphinx", {"sentences": str(file)})
    for text in ("turn the volume up", "what is this card", "turn this card up"):
        assert recogniser.transcribe(say("flite", text)).text == text


def test_the_general_model_hears_most_words(say: Say) -> None:
    recogniser = load_component("recogniser", "pocketsphinx")
    found = recogniser.transcribe(say("flite", "what is this called")).text.split()
    assert {"what", "is"} <= set(found)


def test_pocketsphinx_hears_nothing_in_silence() -> None:
    recogniser = load_component("recogniser", "pocketsphinx", {"phrases": PHRASES})
    assert recogniser.transcribe(np.zeros(16000, np.float32)).text == ""


@pytest.mark.parametrize(
    ("name", "options", "error", "words"),
    [
        ("pocketsphinx", {"phrases": ["zzyzxq now"]}, InputError, "zzyzxq"),
        ("pocketsphinx", {"phrases": ["stop"], "grammar": "x"}, UsageError, "takes one of"),
        ("pocketsphinx", {"grammar": "/nowhere.gram"}, InputError, "/nowhere.gram"),
        ("pocketsphinx", {"sentences": "/dev/null"}, InputError, "no words"),
        ("pocketsphinx", {"weight": 0.0}, UsageError, "above 0"),
        ("whisper", {"model": "/nowhere"}, InputError, "/nowhere"),
        ("parrot", {}, UsageError, "whisper"),
    ],
)
def test_refusals_say_what_is_wrong(
    name: str, options: dict[str, object], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        load_component("recogniser", name, options)

"""The demo's data: what can be told without downloading it."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edge_sdk.errors import DependencyError
from edge_sdk.frontends.config import TextConfig
from examples.show_and_ask.data import backgrounds, scenes
from examples.show_and_ask.data.commands import INTENTS, NOT_FOR_ME, Split, wordings
from examples.show_and_ask.data.fetch import default_cache, fetch, parse_depends, tree
from examples.show_and_ask.data.lookalikes import look_alike_groups, stem_key, text_key
from examples.show_and_ask.data.mixing import NOISES, mix
from examples.show_and_ask.data.pictures import (
    CARDS,
    CATEGORIES,
    DECK,
    NOTHING,
    Picture,
    read_index,
    split_groups,
)
from examples.show_and_ask.data.speech import RATE, Spoken, Voice, trim
from examples.show_and_ask.data.training import build_vocabulary
from examples.show_and_ask.data.transcripts import normalise, recognise, word_errors
from examples.show_and_ask.data.utterances import commands, human

SPLITS: tuple[Split, ...] = ("train", "validation", "test")


def _stamp(folder: Path, identity: str, text: str, speech: tuple[str, ...] = ()) -> None:
    path = folder / "usr" / "share" / "tuxpaint" / "stamps" / f"{identity}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.zeros((40, 60, 4), np.uint8)
    pixels[10:30, 10:50] = (200, 30, 60, 255)
    Image.fromarray(pixels).save(path)
    path.with_suffix(".txt").write_text(f"{text}\nfr.utf8=Une chose.\nde.utf8=\n")
    for language in speech:
        path.with_name(f"{path.stem}_desc_{language}.ogg").touch()


@pytest.fixture
def picture(tmp_path: Path) -> Picture:
    _stamp(tmp_path, "animals/amphibians/frog", "A frog.", ("fr",))
    (found,) = read_index(tmp_path)
    return found


# --- wordings and utterances ---------------------------------------------------------------


def test_twelve_intents_and_talk() -> None:
    assert len(INTENTS) == 13
    assert INTENTS[-1] == NOT_FOR_ME


@pytest.mark.parametrize("intent", INTENTS)
def test_no_wording_is_in_two_splits(intent: str) -> None:
    for one, other in itertools.combinations(SPLITS, 2):
        assert not set(wordings(intent, one)) & set(wordings(intent, other))
    assert all(wordings(intent, split) for split in SPLITS)


def test_no_sentence_has_two_intents() -> None:
    said = [normalise(s) for i in INTENTS for split in SPLITS for s in wordings(i, split)]
    assert len(said) == len(set(said))


def test_talk_shares_words_with_commands() -> None:
    words = {w for i in INTENTS if i != NOT_FOR_ME for s in wordings(i, "train") for w in s.split()}
    for split in SPLITS:
        talk = {w for s in wordings(NOT_FOR_ME, split) for w in s.split()}
        assert len(talk & words) >= 5


def test_voices_and_the_engine_of_the_test_are_not_heard_before() -> None:
    heard = {u.speaker for s in SPLITS[:2] for u in commands(s, 40, 40, seed=3)}
    test = commands("test", 40, 40, seed=3)
    assert not heard & {u.speaker for u in test}
    assert {u.engine for u in test} == {"espeak-ng", "flite", "festival"}
    new = {u.text for u in test if u.condition == "new-wording"}
    assert not new & {s for i in INTENTS for s in wordings(i, "train")}


def test_the_plan_of_speech_repeats() -> None:
    assert commands("train", 20, 20, seed=5) == commands("train", 20, 20, seed=5)
    assert commands("train", 20, 20, seed=5) != commands("train", 20, 20, seed=6)


def test_a_render_is_named_by_its_content(tmp_path: Path) -> None:
    voice = Voice("espeak-ng", "en-us+m1")
    assert Spoken("stop", voice).key == Spoken("stop", voice).key
    assert Spoken("stop", voice).key != Spoken("stop", Voice("espeak-ng", "en-us+m2")).key
    here, there = (Path(p) / "stamps" / "root" / "a.ogg" for p in (tmp_path / "a", "/b"))
    assert Spoken("x", recording=here).key == Spoken("x", recording=there).key


# --- pictures ------------------------------------------------------------------------------


def test_the_deck_has_sixty_cards_and_nothing() -> None:
    assert len(DECK) == 60 == len(set(DECK.values()))
    assert len(CATEGORIES) == 8
    assert len(CARDS) == 61
    assert CARDS[-1] == NOTHING


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("A frog.", "frog"),
        ("A bunch of grapes.", "grape"),
        ("A red tower with a flag.", "tower"),
        ("Two cherries!", "cherry"),
        ("A bunny—how soft.", "rabbit"),
        ("The letter r.", "letter-r"),
        ("The letter q.", "letter-b"),
        ("", None),
        ("!?", None),
    ],
)
def test_text_key(text: str, key: str | None) -> None:
    assert text_key(text) == key


@pytest.mark.parametrize(
    ("stem", "key"),
    [
        ("gadget", "gadget"),
        ("gadget-2", "gadget"),
        ("gadget_red", "gadget"),
        ("sliced_gadget", "gadget"),
        ("smallGadget3", "gadget"),
        ("R_outline", "letter-r"),
        ("q_filled", "letter-b"),
        ("7", None),
    ],
)
def test_stem_key(stem: str, key: str | None) -> None:
    assert stem_key(stem) == key


def test_look_alikes_join_by_name_or_text_and_through_chains() -> None:
    groups = look_alike_groups(
        [
            ("a/gadget", "A gadget."),
            ("a/gadget-1", "The thing from the attic."),
            ("b/red_gadget", "A widget!"),
            ("c/other", "A blue widget."),
            ("c/alone", "A gizmo."),
            ("d/1", ""),
            ("d/2", ""),
        ]
    )
    together = {groups[i] for i in ("a/gadget", "a/gadget-1", "b/red_gadget", "c/other")}
    assert len(together) == 1
    assert groups["c/alone"] not in together
    assert groups["d/1"] != groups["d/2"]


def test_a_group_is_in_one_split_and_the_deck_in_training(tmp_path: Path) -> None:
    names = ("frog", *(f"zoq{chr(97 + n)}" for n in range(24)))
    for name in names:
        folder = "animals/amphibians" if name == "frog" else "animals/other"
        for variant in ("", "-2"):
            _stamp(tmp_path, f"{folder}/{name}{variant}", f"A {name}.")
    pictures = read_index(tmp_path)
    split = split_groups(pictures)
    assert split == split_groups(pictures[::-1])
    assert split[next(p.group for p in pictures if p.card == "frog")] == "train"
    counts = {s: sum(v == s for v in split.values()) for s in SPLITS}
    assert counts == {"train": 16, "validation": 3, "test": 6}


def test_the_index_reads_texts_speech_and_category(picture: Picture) -> None:
    assert picture.id == "animals/amphibians/frog"
    assert (picture.card, picture.category) == ("frog", "animals")
    assert picture.english == "A frog."
    assert dict(picture.descriptions) == {"en": "A frog.", "fr": "Une chose."}
    assert list(picture.speech) == ["fr"]


def test_no_two_cards_of_the_real_deck_look_alike() -> None:
    try:
        stamps = tree(default_cache(), "stamps")
    except DependencyError:
        pytest.skip("the demo data has not been fetched on this machine")
    cards = [p for p in read_index(stamps) if p.card]
    assert {p.card for p in cards} == set(DECK)
    assert len({p.group for p in cards}) == len(cards)
    assert {p.category for p in cards} == set(CATEGORIES)


def test_human_speech_comes_with_text_in_its_language(picture: Picture) -> None:
    splits: Mapping[str, Split] = {picture.group: "train"}
    (found,) = human([picture], splits, "train", 5, seed=1)
    assert (found.intent, found.text, found.speaker) == (NOT_FOR_ME, "Une chose.", "human-fr")
    assert human([picture], splits, "test", 5, seed=1) == []


# --- scenes --------------------------------------------------------------------------------


def test_no_background_is_in_two_styles() -> None:
    assert set(backgrounds.FAMILIES) == {"train", "test"}
    assert not set(backgrounds.FAMILIES["train"]) & set(backgrounds.FAMILIES["test"])


@pytest.mark.parametrize("family", [f for fs in backgrounds.FAMILIES.values() for f in fs])
def test_a_background_fills_the_frame(family: backgrounds.Family) -> None:
    for seed in range(5):
        made = family(np.random.default_rng(seed), 36, 48)
        assert made.shape == (36, 48, 3)
        assert made.dtype == np.float32
        assert np.isfinite(made).all()
        assert made.min() > -0.5
        assert made.max() < 255.5


@pytest.mark.parametrize("style", ["train", "test"])
def test_a_scene_repeats_and_varies(picture: Picture, style: scenes.Style) -> None:
    for shown in (picture, None):
        frames = [scenes.render(shown, np.random.default_rng(s), style) for s in (1, 1, 2)]
        assert frames[0].shape == (144, 192, 3)
        assert frames[0].dtype == np.uint8
        assert np.array_equal(frames[0], frames[1])
        assert not np.array_equal(frames[0], frames[2])


def test_many_scenes_of_any_size(picture: Picture) -> None:
    for seed in range(60):
        rng = np.random.default_rng(seed)
        frame = scenes.render(picture if seed % 5 else None, rng, "train" if seed % 2 else "test")
        assert frame.shape == (144, 192, 3)
    assert scenes.render(picture, np.random.default_rng(0), "test", (600, 800)).shape[0] == 600


# --- sound ---------------------------------------------------------------------------------


@pytest.mark.parametrize("style", ["train", "test"])
def test_the_mix_is_sane_for_any_speech(style: scenes.Style) -> None:
    tone = (8000 * np.sin(np.arange(RATE) / 7)).astype(np.int16)
    for seed, speech in itertools.product(range(12), (tone, tone[:0])):
        heard, done = mix(speech, np.random.default_rng(seed), style, [tone, tone[:100]])
        again, _ = mix(speech, np.random.default_rng(seed), style, [tone, tone[:100]])
        assert np.array_equal(heard, again)
        assert heard.dtype == np.float32
        assert np.isfinite(heard).all()
        assert np.abs(heard).max() <= 1
        assert heard.size >= speech.size * 0.9 + 0.2 * RATE - 1
        assert done["noise"] in NOISES[style]


def test_trim_takes_silence_off_both_ends() -> None:
    wave = np.zeros(100, np.float32)
    wave[30:40] = 0.5
    assert trim(wave).size == 10
    assert trim(wave[:20]).size == 0


# --- transcripts ---------------------------------------------------------------------------


def test_transcripts_repeat() -> None:
    said = "please turn the volume down a little"
    one, other = ([recognise(said, np.random.default_rng(s)) for s in range(50)] for _ in range(2))
    assert one == other
    assert len(set(one)) > 10


def test_without_strength_there_are_no_errors() -> None:
    rng = np.random.default_rng(0)
    assert recognise("Turn IT up!", rng, strength=0) == "turn it up"


@pytest.mark.parametrize("split", SPLITS)
def test_the_word_error_rate_is_what_the_task_asks_for(split: Split) -> None:
    rng = np.random.default_rng(11)
    errors = words = 0
    for sentence in (s for i in INTENTS for s in wordings(i, split) for _ in range(30)):
        heard, reference = recognise(sentence, rng), normalise(sentence).split()
        if heard is not None:
            errors += word_errors(reference, heard.split())
            words += len(reference)
    assert 0.22 < errors / words < 0.34


def test_other_scripts_become_english_letters() -> None:
    assert normalise("Щастлив лъв!") == "shtastliv lav"
    assert normalise("Une pièce d’été") == "une piece d'ete"
    assert normalise("…") == ""


def test_word_errors_is_an_edit_distance() -> None:
    assert word_errors(["a", "b", "c"], ["a", "c"]) == 1
    assert word_errors([], ["a", "b"]) == 2
    assert word_errors(["a", "b"], ["b", "a"]) == 2


def test_the_vocabulary_fits_the_text_front_end() -> None:
    tokens = build_vocabulary(["stop it", "stop now"], ["stop it", "shop it"] * 4)
    assert TextConfig(vocabulary=tokens).vocabulary[:2] == ("[pad]", "[unk]")
    assert {"stop", "a", "##a", "9", "##9", "it"} <= set(tokens)
    assert "now" not in tokens


# --- fetching ------------------------------------------------------------------------------


def test_of_alternatives_the_first_and_of_a_virtual_package_a_provider() -> None:
    listing = (
        "talker\n"
        "  Depends: libc6\n"
        " |Depends: libone:any\n"
        "  Depends: libtwo\n"
        "  Depends: <libsound>\n"
        "    libsound-real\n"
        "    libsound-other\n"
        "  PreDepends: libpre\n"
        "  Recommends: libextra\n"
    )
    found = [name for name in parse_depends(listing) if name != "libpre"]
    assert found == ["libc6", "libone", "libsound-real"]


def test_the_cache_follows_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("EDGE_SDK_CACHE", str(tmp_path / "a"))
    assert default_cache() == tmp_path / "a"
    monkeypatch.delenv("EDGE_SDK_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "b"))
    assert default_cache() == tmp_path / "b" / "edge-sdk" / "show-and-ask"


def test_without_apt_one_sentence_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DependencyError, match="run this on Debian or Ubuntu"):
        fetch(tmp_path / "cache")
    assert not (tmp_path / "cache").exists()
    with pytest.raises(DependencyError, match="first"):
        tree(tmp_path / "cache", "stamps")

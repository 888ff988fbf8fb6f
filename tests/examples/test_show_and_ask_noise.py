"""The demo's training in noise: what it may hear, and what it leaves alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from edge_sdk.converters.fusion.batch import Example, collate
from edge_sdk.converters.fusion.model import FusionModel
from edge_sdk.frontends import Frontends
from examples.show_and_ask.data import mixing, noises
from examples.show_and_ask.data.commands import INTENTS, wordings
from examples.show_and_ask.data.phrasings import phrasings
from examples.show_and_ask.data.transcripts import normalise, word_errors
from examples.show_and_ask.data.utterances import commands, phrased
from examples.show_and_ask.hearing import Heard, load_heard, save_heard
from examples.show_and_ask.noisy import NoisyFeeder, Seen, encoded, heard_batches, pictures_encoded
from examples.show_and_ask.train import configure
from examples.show_and_ask.train_in_noise import settle

VOCABULARY = ("[pad]", "[unk]", "stop", "it", "what", "is")


@pytest.fixture(scope="module")
def model() -> FusionModel:
    return FusionModel(configure(VOCABULARY), seed=3).eval()


@pytest.fixture
def heard() -> Heard:
    rng = np.random.default_rng(0)
    sounds = [rng.normal(0, 1, (n, 80)).astype(np.float16) for n in (40, 55, 30)]
    return Heard(
        sounds,
        ["stop it", "stop it", "what is it"],
        ["stop it", None, ""],
        [None, "it", "what is"],
        np.array([8, 8, 10]),
    )


@pytest.mark.parametrize("intent", INTENTS)
def test_no_phrasing_is_a_sentence_of_another_split_or_nearly(intent: str) -> None:
    mine = [normalise(text) for text in phrasings(intent)]
    every = {normalise(t) for i in INTENTS for s in ("train", "validation", "test")
             for t in wordings(i, s)}  # type: ignore[arg-type]  # fmt: skip
    assert not set(mine) & every
    for split in ("validation", "test"):
        for text in wordings(intent, split):  # type: ignore[arg-type]
            assert all(word_errors(normalise(text).split(), m.split()) > 1 for m in mine)


def test_no_phrasing_has_two_intents() -> None:
    said = [normalise(text) for intent in INTENTS for text in phrasings(intent)]
    assert len(said) == len(set(said))


def test_the_second_phase_has_voices_of_its_own_and_none_of_the_other_splits() -> None:
    heard = {u.speaker.split("+")[-1] for u in phrased(6, 3, seed=0)}
    first = {u.speaker.split("+")[-1] for u in commands("train", 60, 60, seed=0)}
    held_back = {
        u.speaker.split("+")[-1]
        for split in ("validation", "test")
        for u in commands(split, 60, 60, seed=0)  # type: ignore[arg-type]
    }
    # flite's slt is in training and validation
    assert heard & held_back <= {"slt"}
    assert len(heard - first) > 20


def test_training_validation_and_test_share_no_noise_but_babble() -> None:
    sets = [set(noises.NOISES["train"]), set(noises.NOISES["validation"])]
    sets.append(set(mixing.NOISES["test"]))
    assert sets[0] & sets[1] == sets[0] & sets[2] == sets[1] & sets[2] == {"babble"}


@pytest.mark.parametrize("part", ["train", "validation"])
def test_a_noisy_room_has_the_level_asked_for(part: noises.Part) -> None:
    speech = (8000 * np.sin(np.arange(16000))).astype(np.int16)
    other = np.random.default_rng(5).normal(0, 3000, 9000).astype(np.int16)
    seen = set()
    for seed in range(24):
        wave, done = noises.heard(speech, np.random.default_rng(seed), part, [other], 40.0)
        seen.add(done["noise"])
        assert wave.dtype == np.float32
        assert np.abs(wave).max() <= 1
        # what is said, between what comes before and after it, is far above the noise
        ends = np.concatenate([wave[:6000], wave[-8000:]])
        assert np.std(wave[14400:20000]) > 20 * np.std(ends)
    assert seen == set(noises.NOISES[part])


def test_without_a_level_most_rooms_are_noisy() -> None:
    speech = np.full(8000, 9000, np.int16)
    levels = [
        float(noises.heard(speech, np.random.default_rng(n), "train", [speech])[1]["snr_db"])
        for n in range(150)
    ]
    assert 0 <= min(levels) < 3
    assert 25 < max(levels) <= 30
    assert np.mean(np.array(levels) < 15) > 0.6


def test_what_was_heard_comes_back_from_its_file(tmp_path: Path, heard: Heard) -> None:
    save_heard(tmp_path / "heard.npz", heard)
    found = load_heard(tmp_path / "heard.npz")
    assert [s.tolist() for s in found.sounds] == [s.tolist() for s in heard.sounds]
    assert (found.said, found.usual, found.light) == (heard.said, heard.usual, heard.light)
    assert found.intents.tolist() == heard.intents.tolist()


def test_encoded_pictures_give_the_same_answers_and_the_encoder_is_out_of_reach(
    model: FusionModel, heard: Heard
) -> None:
    rng = np.random.default_rng(1)
    rows = [
        Example({"image": rng.normal(0, 1, (3, 96, 96)).astype(np.float32),
                 "audio": heard.sounds[n].astype(np.float32)}, {"card": n})
        for n in range(3)
    ]  # fmt: skip
    batch = collate(rows, model.modalities, ("intent", "card", "category"))
    with torch.no_grad():
        expected = model(batch)
        before = model.encoders["image"]
        ready = encoded([batch], model)
        with pictures_encoded(model):
            assert not set(map(id, before.parameters())) & set(map(id, model.parameters()))
            found = model(ready[0])
    assert model.encoders["image"] is before
    for head, logits in expected.items():
        assert torch.allclose(found[head], logits, atol=1e-5)


def test_a_student_and_its_teacher_each_get_their_own_pictures(model: FusionModel) -> None:
    other = FusionModel(model.config, seed=4).eval()
    pixels = np.random.default_rng(2).normal(0, 1, (3, 96, 96)).astype(np.float32)
    batch = collate([Example({"image": pixels})], model.modalities, ("card",))
    with torch.no_grad():
        expected = [one(batch)["card"] for one in (model, other)]
        (ready,) = encoded([batch], model, other)
        with pictures_encoded(model, other):
            found = [one(ready)["card"] for one in (model, other)]
    for given, wanted in zip(found, expected, strict=True):
        assert torch.allclose(given, wanted, atol=1e-5)
    assert not torch.allclose(*expected, atol=1e-3)


def test_batches_have_what_recognisers_wrote_and_repeat(model: FusionModel, heard: Heard) -> None:
    frontends = Frontends(model.config.frontends)
    seen = Seen(np.ones((5, 128), np.float32), np.arange(5), np.full(5, -100))
    feeders = [NoisyFeeder(heard, seen, frontends, size=20, seed=1) for _ in range(2)]
    one, other = (list(feeder.batches(2, 3)) for feeder in feeders)
    for mine, same in zip(one, other, strict=True):
        assert torch.equal(mine.inputs["audio"], same.inputs["audio"])
        assert torch.equal(mine.inputs["text"], same.inputs["text"])
        assert mine.mask[:, mine.modalities.index("image")].sum() == 12
        assert (mine.labels["card"][12:] == -100).all()
        assert set(mine.labels["intent"].tolist()) <= {8, 10}
    (usual,) = heard_batches(heard, frontends, model.config.model.heads, "usual")
    # an empty transcript and one that was not asked for are no text
    assert usual.mask[:, usual.modalities.index("text")].tolist() == [1.0, 0.0, 0.0]


def test_settling_moves_the_encoders_of_sound_and_words_alone(model: FusionModel) -> None:
    trained = FusionModel(model.config, seed=4)
    after = {name: value.clone() for name, value in trained.state_dict().items()}
    trained.encoders["image"].load_state_dict(model.encoders["image"].state_dict())
    settle(trained, model, 0.25)
    for name, value in trained.state_dict().items():
        first = model.state_dict()[name]
        if name.startswith(("encoders.image.", "head.")):
            assert torch.equal(value, first)
        elif value.is_floating_point():
            assert torch.allclose(value, 0.75 * after[name] + 0.25 * first, atol=1e-6)


@pytest.mark.parametrize("part", ["train", "validation"])
@pytest.mark.parametrize("seed", range(4))
def test_a_room_where_nobody_speaks_has_noise_alone(part: noises.Part, seed: int) -> None:
    babble = [np.full(4000, 9000, np.int16), np.arange(5000, dtype=np.int16)]
    wave, done = noises.nobody(np.random.default_rng(seed), part, babble)
    assert wave.dtype == np.float32
    assert 2 * 16000 <= len(wave) <= 4 * 16000
    assert np.abs(wave).max() <= 1
    assert 0 < np.sqrt(np.mean(np.square(wave))) < 0.2
    assert done["noise"] in noises.NOISES[part]


def test_what_nobody_said_is_read_as_a_recogniser_wrote_it_or_not_at_all(
    model: FusionModel, heard: Heard
) -> None:
    silent = Heard(heard.sounds, [""] * 3, ["you", None, None], [None] * 3, np.full(3, 12))
    seen = Seen(np.zeros((2, 128), np.float32), np.array([0, 1]), np.array([2, -100]))
    feeder = NoisyFeeder(silent, seen, Frontends(model.config.frontends), size=60, seed=0)
    written = model.config.frontends.text.vocabulary
    for batch in feeder.batches(0, 2):
        assert set(batch.labels["intent"].tolist()) <= {12, -100}
        tokens = set(batch.inputs["text"].unique().tolist())
        # "you" is not in the vocabulary, and nothing else was written
        assert tokens <= {written.index("[pad]"), written.index("[unk]")}

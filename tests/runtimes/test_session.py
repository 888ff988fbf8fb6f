"""A session answers from any subset of the modalities, and computes only what is new."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge_sdk import FusionSession
from edge_sdk.frontends.image import read_picture
from edge_sdk.samples import SampleSet

from ..synthetic import COLOURS, LABELS, RATE, picture, speech_like

INPUTS: dict[str, Any] = {
    "audio": (speech_like(0.8), RATE),
    "image": picture(60, 40),
    "text": "what is this",
}
SUBSETS = [
    ("audio",), ("image",), ("text",), ("audio", "image"), ("audio", "text"), ("image", "text"),
    ("audio", "image", "text"),
]  # fmt: skip


def given(*names: str) -> dict[str, Any]:
    return {name: INPUTS[name] for name in names}


@pytest.fixture(scope="module")
def shared(tiny_bundle: Path) -> Iterator[FusionSession]:
    with FusionSession.open(tiny_bundle) as session:
        yield session


@pytest.fixture
def session(shared: FusionSession) -> FusionSession:
    """A session whose caches hold nothing that these tests give."""
    shared.infer(audio=(speech_like(0.3, seed=9), RATE), image=picture(9, 9, 9), text="zzz")
    return shared


@pytest.mark.parametrize("names", SUBSETS)
def test_any_subset_of_the_modalities(session: FusionSession, names: tuple[str, ...]) -> None:
    prediction = session.infer(**given(*reversed(names)))
    assert prediction.used == names
    stages = {f"{kind}.{name}" for kind in ("frontend", "encoder") for name in names}
    assert set(prediction.timings) == stages | {"head", "total"}
    assert all(ms >= 0 for ms in prediction.timings.values())
    assert prediction.timings["total"] >= max(prediction.timings.values())


def test_probabilities_are_by_label_in_order_and_sum_to_one(session: FusionSession) -> None:
    heads = session.infer(**INPUTS).heads
    assert list(heads) == ["intent", "colour"]
    for name, labels in (("intent", LABELS), ("colour", COLOURS)):
        head = heads[name]
        assert tuple(head.probabilities) == labels
        assert sum(head.probabilities.values()) == pytest.approx(1.0, abs=1e-9)
        assert head.label == max(head.probabilities, key=lambda label: head.probabilities[label])
        assert head.confidence == head.probabilities[head.label]


def test_each_modality_has_a_say(session: FusionSession) -> None:
    answers = [session.infer(**given(*names)).heads for names in SUBSETS]
    probabilities = [tuple(h.probabilities.values()) for a in answers for h in [a["colour"]]]
    assert len(set(probabilities)) == len(SUBSETS)


def test_a_modality_left_out_leaves_no_trace(session: FusionSession, tiny_bundle: Path) -> None:
    session.infer(**INPUTS)
    with FusionSession.open(tiny_bundle) as fresh:
        assert session.infer(**given("text")).heads == fresh.infer(**given("text")).heads


def test_a_new_picture_does_not_compute_the_audio_again(session: FusionSession) -> None:
    first = session.infer(**INPUTS)
    second = session.infer(**{**INPUTS, "image": 255 - INPUTS["image"]})
    assert set(second.timings) == {"frontend.image", "encoder.image", "head", "total"}
    assert second.used == ("audio", "image", "text")
    assert second.heads["colour"] != first.heads["colour"]
    assert set(session.infer(**given("audio")).timings) == {"head", "total"}


CHANGED: dict[str, list[Any]] = {
    "audio": [
        (INPUTS["audio"][0] * np.float32(0.9), RATE),
        (INPUTS["audio"][0][:-1], RATE),
        (INPUTS["audio"][0], RATE + 1),
        (np.stack([INPUTS["audio"][0]] * 2, 1), RATE),
        (INPUTS["audio"][0].astype(np.float64), RATE),
    ],
    "image": [picture(60, 40, 1), INPUTS["image"].reshape(60, 40, 3), INPUTS["image"][:, ::-1]],
    "text": ["what is thi", "What is this"],
}


@pytest.mark.parametrize(
    ("name", "index"), [(name, i) for name, values in CHANGED.items() for i in range(len(values))]
)
def test_any_change_of_an_input_is_computed(session: FusionSession, name: str, index: int) -> None:
    session.infer(**INPUTS)
    changed = session.infer(**{**INPUTS, name: CHANGED[name][index]})
    assert f"encoder.{name}" in changed.timings


def test_a_buffer_that_is_used_again_is_seen_to_have_changed(session: FusionSession) -> None:
    samples, frame = INPUTS["audio"][0].copy(), INPUTS["image"].copy()
    session.infer(audio=(samples, RATE), image=frame)
    samples *= np.float32(0.5)
    frame[:] = 255 - frame
    changed = session.infer(audio=(samples, RATE), image=frame)
    assert {"encoder.audio", "encoder.image"} <= set(changed.timings)
    with FusionSession.open(session.bundle.path) as fresh:
        assert fresh.infer(audio=(samples, RATE), image=frame).heads == changed.heads


def test_sixteen_bit_audio_and_other_rates_are_taken(session: FusionSession) -> None:
    samples = (INPUTS["audio"][0] * 32767).astype(np.int16)
    whole = session.infer(audio=(samples, RATE)).heads
    assert session.infer(audio=(samples / np.float32(32768), RATE)).heads == whole
    assert session.infer(audio=(speech_like(0.5, 44100), 44100)).used == ("audio",)


def test_the_zip_and_the_folder_answer_alike(
    session: FusionSession, tiny_bundle_folder: Path, sample_set: SampleSet
) -> None:
    frame = read_picture(sample_set.path(sample_set[0].image))
    with FusionSession.open(tiny_bundle_folder) as other:
        assert other.modalities == session.modalities == ("audio", "image", "text")
        assert other.infer(image=frame).heads == session.infer(image=frame).heads


def test_more_threads_give_the_same_answer(session: FusionSession, tiny_bundle: Path) -> None:
    expected = session.infer(**INPUTS).heads
    with FusionSession.open(tiny_bundle, engine="onnxruntime", threads=2, check=False) as other:
        for name, head in other.infer(**INPUTS).heads.items():
            for label, share in head.probabilities.items():
                assert share == pytest.approx(expected[name].probabilities[label], abs=1e-4)

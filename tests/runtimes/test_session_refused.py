"""What a session cannot answer on, and bundles it does not open."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from edge_sdk import FusionSession
from edge_sdk.errors import BundleError, InputError, UsageError
from edge_sdk.runtimes.engines import engine_names

from ..bundles import manifest_of, rewrite, with_golden
from ..synthetic import RATE, picture, speech_like

SOUND, FRAME = speech_like(0.5), picture(30, 30)


@pytest.fixture(scope="module")
def session(tiny_bundle: Path) -> Iterator[FusionSession]:
    with FusionSession.open(tiny_bundle) as session:
        yield session


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "nothing": ({}, "Nothing to answer on: give audio or image or text"),
    "all None": ({"audio": None, "text": None}, "Nothing to answer on"),
    "video": ({"video": ([FRAME], [0.0])}, "takes audio, image, text; it takes no video"),
    "audio without rate": ({"audio": SOUND}, "pair (samples, rate)"),
    "audio of three": ({"audio": (SOUND, RATE, 1)}, "pair (samples, rate)"),
    "audio as path": ({"audio": "a.wav"}, "pair (samples, rate)"),
    "audio rank": ({"audio": (np.zeros((2, 2, 2), np.float32), RATE)}, "[samples, channels]"),
    "audio dtype": ({"audio": (np.ones(RATE, np.int32), RATE)}, "not int32"),
    "audio stereo dtype": ({"audio": (np.ones((RATE, 2), np.uint8), RATE)}, "not uint8"),
    "audio ragged": ({"audio": ([[0.1], [0.1, 0.2]], RATE)}, "rows differ"),
    "audio None": ({"audio": (None, RATE)}, "not []"),
    "audio empty": ({"audio": (SOUND[:0], RATE)}, "no samples"),
    "audio silent": ({"audio": (SOUND * 0, RATE)}, "Nothing can be heard"),
    "audio nan": ({"audio": (SOUND * np.nan, RATE)}, "NaN or infinity"),
    "audio short": ({"audio": (SOUND[:100], RATE)}, "too short"),
    "audio long": ({"audio": (np.tile(SOUND, 30), RATE)}, "at most 10 s"),
    "audio rate": ({"audio": (SOUND, 0)}, "whole hertz"),
    "image dtype": ({"image": FRAME.astype(np.float32)}, "must be uint8"),
    "image rank": ({"image": FRAME[..., 0]}, "must be uint8"),
    "image alpha": ({"image": np.dstack([FRAME, FRAME[..., 0]])}, "must be uint8"),
    "image as path": ({"image": "a.png"}, "must be uint8"),
    "image empty": ({"image": FRAME[:0]}, "empty"),
    "text empty": ({"text": ""}, "no letter or digit"),
    "text bytes": ({"text": b"stop"}, "must be a string"),
    "text array": ({"text": np.array(["stop", "go"])}, "must be a string"),
}


@pytest.mark.parametrize("name", BAD)
def test_an_input_that_cannot_be_used(session: FusionSession, name: str) -> None:
    good = session.infer(audio=(SOUND, RATE), image=FRAME, text="stop").heads
    inputs, why = BAD[name]
    with pytest.raises(InputError) as caught:
        session.infer(**inputs)
    assert why in str(caught.value)
    assert caught.value.exit_code == 3
    # What was computed before is as right as it was.
    assert session.infer(audio=(SOUND, RATE), image=FRAME, text="stop").heads == good


def test_an_unknown_modality_is_a_mistake_of_the_program(session: FusionSession) -> None:
    with pytest.raises(TypeError, match="smell"):
        session.infer(smell=1)


def test_a_closed_session_says_so(tiny_bundle: Path) -> None:
    with FusionSession.open(tiny_bundle) as session:
        session.infer(text="stop")
    with pytest.raises(UsageError, match="session is closed"):
        session.infer(text="stop")
    session.close()


@pytest.mark.parametrize("threads", [0, -1])
def test_too_few_threads(tiny_bundle: Path, threads: int) -> None:
    with pytest.raises(UsageError, match=f"at least 1, not {threads}"):
        FusionSession.open(tiny_bundle, threads=threads)


def test_an_unknown_engine_lists_the_known(tiny_bundle: Path) -> None:
    with pytest.raises(UsageError) as caught:
        FusionSession.open(tiny_bundle, engine="steam")
    assert "'steam'" in str(caught.value)
    assert all(name in str(caught.value) for name in engine_names())


@pytest.mark.parametrize(
    "key", ["features.audio", "features.image", "features.text", "embedding.audio",
            "embedding.text", "output.intent", "output.colour"],
)  # fmt: skip
def test_another_golden_value_fails_the_self_test(
    tiny_bundle: Path, tmp_path: Path, key: str
) -> None:
    path = with_golden(
        tiny_bundle, tmp_path / "bad.edge", key, lambda a: a[..., ::-1] + a.dtype.type(2)
    )
    with pytest.raises(BundleError) as caught:
        FusionSession.open(path)
    assert "fails its self-test" in str(caught.value)
    assert f"{key} of golden" in str(caught.value)
    with FusionSession.open(path, check=False) as session:
        session.infer(text="stop")


def test_a_golden_value_of_another_shape_fails_the_self_test(
    tiny_bundle: Path, tmp_path: Path
) -> None:
    path = with_golden(tiny_bundle, tmp_path / "bad.edge", "features.audio", lambda a: a[:, 1:])
    with pytest.raises(BundleError, match=r"self-test .* features\.audio"):
        FusionSession.open(path)


def test_without_golden_samples_there_is_no_self_test(tiny_bundle: Path, tmp_path: Path) -> None:
    path = rewrite(tiny_bundle, tmp_path / "bad.edge", golden=())
    with pytest.raises(BundleError, match="no golden sample"):
        FusionSession.open(path)


def test_a_graph_other_than_the_manifest_says(tiny_bundle: Path, tmp_path: Path) -> None:
    manifest = manifest_of(tiny_bundle)
    first = manifest.parts[0]
    for change in (
        {"inputs": (msgspec.structs.replace(first.inputs[0], name="other"),)},
        {"outputs": (msgspec.structs.replace(first.outputs[0], name="other"),)},
        {"inputs": (msgspec.structs.replace(first.inputs[0], shape=(1, "frames", 99)),)},
        {"inputs": (msgspec.structs.replace(first.inputs[0], dtype="int64"),)},
    ):
        parts = (msgspec.structs.replace(first, **change), *manifest.parts[1:])
        path = rewrite(tiny_bundle, tmp_path / "bad.edge", parts=parts)
        with pytest.raises(BundleError, match="other inputs or outputs"):
            FusionSession.open(path)


def test_a_manifest_that_contradicts_itself(tiny_bundle: Path, tmp_path: Path) -> None:
    manifest = manifest_of(tiny_bundle)
    head, labels = manifest.heads[0], manifest.heads[0].labels
    audio, image, text, fuse = manifest.parts
    no_file = msgspec.structs.replace(audio.variants[0], file="parts/none.onnx")
    for changes in (
        {"heads": (msgspec.structs.replace(head, labels=labels[1:]), *manifest.heads[1:])},
        {"heads": (msgspec.structs.replace(head, name="other"), *manifest.heads[1:])},
        {"heads": ()},
        {"parts": (audio, image, fuse)},
        {"parts": (audio, audio, image, text, fuse)},
        {"parts": (image, audio, text, fuse)},
        {"parts": (audio, image, text, msgspec.structs.replace(fuse, inputs=()))},
        {"parts": (msgspec.structs.replace(audio, outputs=()), image, text, fuse)},
        {"parts": (msgspec.structs.replace(audio, variants=()), image, text, fuse)},
        {"parts": (msgspec.structs.replace(audio, variants=(no_file,)), image, text, fuse)},
    ):
        path = rewrite(tiny_bundle, tmp_path / "bad.edge", **changes)
        with pytest.raises(BundleError) as caught:
            FusionSession.open(path)
        assert str(path) in str(caught.value)

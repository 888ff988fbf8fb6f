"""``edge-sdk infer`` on bad input: one sentence, the exit code of its kind, nothing else."""

from __future__ import annotations

import struct
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest
import soundfile

from edge_sdk.frontends import frontends_hash
from edge_sdk.frontends.config import FrontendsConfig

from ..bundles import flipped, manifest_of, members, rewrite, with_golden, zip_of
from ..synthetic import RATE, speech_like

Refused = Callable[..., str]


def wav(path: Path, x: np.ndarray, subtype: str = "PCM_16") -> None:
    soundfile.write(path, x, RATE, subtype=subtype)


def half(path: Path) -> None:
    wav(path, speech_like(1.0))
    path.write_bytes(path.read_bytes()[:9999])


def half_an_hour(path: Path) -> None:
    length = 1800 * RATE * 2
    head = struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + length, b"WAVE", b"fmt ", 16, 1, 1,
                       RATE, 2 * RATE, 2, 16, b"data", length)  # fmt: skip
    with path.open("wb") as file:
        file.write(head)
        file.truncate(len(head) + length)


RECORDINGS: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (lambda path: None, "There is no recording"),
    "empty": (Path.touch, "empty (0 bytes)"),
    "no audio": (lambda path: path.write_text("hello"), "cannot be read as audio"),
    "truncated": (half, "truncated"),
    "silent": (lambda path: wav(path, np.zeros(RATE)), "Nothing can be heard"),
    "nan": (lambda path: wav(path, np.full(RATE, np.nan), "FLOAT"), "NaN"),
    "short": (lambda path: wav(path, speech_like(0.01)), "too short"),
    "half an hour": (half_an_hour, "1800 s long"),
    "folder": (Path.mkdir, "There is no recording"),
}


@pytest.mark.parametrize("name", RECORDINGS)
def test_recordings(refused: Refused, tiny_bundle: Path, tmp_path: Path, name: str) -> None:
    make, why = RECORDINGS[name]
    make(tmp_path / "a.wav")
    sentence = refused(3, "infer", tiny_bundle, "--audio", tmp_path / "a.wav")
    assert why in sentence
    assert str(tmp_path / "a.wav") in sentence


@pytest.mark.parametrize(
    ("content", "why"),
    [(None, "There is no picture"), (b"", "not a picture"), (b"GIF89a", "not a picture")],
)
def test_pictures(
    refused: Refused, tiny_bundle: Path, tmp_path: Path, content: bytes | None, why: str
) -> None:
    path = tmp_path / "a.png"
    if content is not None:
        path.write_bytes(content)
    sentence = refused(3, "infer", tiny_bundle, "--image", path)
    assert why in sentence
    assert str(path) in sentence


def test_text(refused: Refused, tiny_bundle: Path) -> None:
    assert "no letter or digit" in refused(3, "infer", tiny_bundle, "--text", "?")


def test_a_modality_the_model_does_not_take(
    refused: Refused, tiny_bundle: Path, tmp_path: Path
) -> None:
    manifest = manifest_of(tiny_bundle)
    text = FrontendsConfig(text=manifest.frontends.text)
    head = msgspec.structs.replace(
        manifest.head, inputs=(*manifest.head.inputs[2:3], manifest.head.inputs[3])
    )
    golden = tuple(
        msgspec.structs.replace(sample, audio=None, image=None) for sample in manifest.golden
    )
    # Consistent in itself, and of a graph that it does not fit: that is found out as well.
    path = rewrite(
        tiny_bundle, tmp_path / "text.edge", frontends=text, frontends_hash=frontends_hash(text),
        parts=(manifest.parts[2], head), golden=golden,
    )  # fmt: skip
    assert "other inputs or outputs" in refused(4, "infer", path, "--text", "stop")


def test_names_that_no_file_can_have(refused: Refused, tiny_bundle: Path) -> None:
    long = "x" * 300
    assert "There is no recording" in refused(3, "infer", tiny_bundle, "--audio", long)
    assert "There is no picture" in refused(3, "infer", tiny_bundle, "--image", long)
    assert "There is no bundle" in refused(4, "infer", long, "--text", "stop")
    assert "There is no recording" in refused(3, "infer", tiny_bundle, "--audio", "\udcff.wav")


def test_bundles(refused: Refused, tiny_bundle: Path, tmp_path: Path) -> None:
    path = tmp_path / "bad.edge"
    assert "There is no bundle" in refused(4, "infer", path, "--text", "stop")
    path.write_bytes(b"no bundle")
    assert "not a bundle" in refused(4, "infer", path, "--text", "stop")
    content = tiny_bundle.read_bytes()
    path.write_bytes(flipped(content, content.index(b"parts/audio") + 500))
    assert "damaged" in refused(4, "infer", path, "--text", "stop")
    zip_of(path, [*members(tiny_bundle), ("../evil", b"x")])
    assert "outside itself" in refused(4, "infer", path, "--text", "stop")
    rewrite(tiny_bundle, path, schema=2)
    assert "install a newer edge-sdk" in refused(4, "infer", path, "--text", "stop")
    with_golden(tiny_bundle, path, "output.intent", lambda a: a + np.float32(3))
    assert "fails its self-test" in refused(4, "infer", path, "--text", "stop")


def test_engines(refused: Refused, tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = ("infer", tiny_bundle, "--text", "stop", "--engine")
    assert "no engine 'steam'" in refused(2, *command, "steam")
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    assert "not installed" in refused(6, *command, "onnxruntime")
    assert "not installed" in refused(6, *command, "auto")


def test_usage(refused: Refused, tiny_bundle: Path) -> None:
    assert "nothing to answer on" in refused(2, "infer", tiny_bundle)
    assert "Missing argument 'BUNDLE'" in refused(2, "infer")
    assert "0 is not in the range" in refused(2, "infer", tiny_bundle, "--threads", "0")
    assert "No such option" in refused(2, "infer", tiny_bundle, "--smell", "x")
    assert "edge-sdk infer --help" in refused(2, "infer", tiny_bundle, "--smell", "x")

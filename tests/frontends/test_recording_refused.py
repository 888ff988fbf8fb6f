"""Recordings that cannot be answered on: one sentence each, before much work is done."""

from __future__ import annotations

import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import soundfile

from edge_sdk.errors import InputError
from edge_sdk.frontends.config import AudioFeaturesConfig
from edge_sdk.frontends.recording import prepare_samples, read_recording

from ..synthetic import RATE, speech_like

CONFIG = AudioFeaturesConfig(max_seconds=5.0)


def refusal(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        read_recording(path, CONFIG)
    sentence = str(caught.value)
    assert path.name in sentence
    assert "\n" not in sentence
    return sentence


def written(path: Path, x: np.ndarray, **how: str) -> Path:
    soundfile.write(path, x, RATE, **how)
    return path


def cut(path: Path, share: float) -> Path:
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    return path


def test_missing_or_a_folder_or_an_impossible_name(tmp_path: Path) -> None:
    assert "There is no recording" in refusal(tmp_path / "none.wav")
    (tmp_path / "folder.wav").mkdir()
    assert "There is no recording" in refusal(tmp_path / "folder.wav")
    assert "There is no recording" in refusal(tmp_path / ("x" * 300))


def test_an_empty_file(tmp_path: Path) -> None:
    (tmp_path / "empty.wav").touch()
    assert "is empty (0 bytes)" in refusal(tmp_path / "empty.wav")


def test_a_header_without_samples(tmp_path: Path) -> None:
    assert "no samples" in refusal(written(tmp_path / "none.wav", np.zeros(0, np.float32)))


@pytest.mark.parametrize("size", [12, 20, 36, 40])
def test_a_header_cut_short(tmp_path: Path, size: int) -> None:
    path = written(tmp_path / "header.wav", speech_like(0.5))
    path.write_bytes(path.read_bytes()[:size])
    assert "truncated: it has no audio data" in refusal(path)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
@pytest.mark.parametrize("suffix", ["wav", "flac"])
def test_samples_cut_short(tmp_path: Path, suffix: str, share: float) -> None:
    path = cut(written(tmp_path / f"cut.{suffix}", speech_like(2.0)), share)
    sentence = refusal(path)
    assert "truncated" in sentence or "cannot be read as audio" in sentence


def test_an_ogg_cut_short(tmp_path: Path) -> None:
    path = cut(written(tmp_path / "cut.ogg", speech_like(4.0), subtype="VORBIS"), 0.5)
    assert "truncated" in refusal(path)


@pytest.mark.parametrize("content", [b"x", b"not audio at all\n" * 100, b"RIFF\0\0\0\0WAVE"])
def test_what_is_not_audio(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "text.wav"
    path.write_bytes(content)
    sentence = refusal(path)
    assert "cannot be read as audio" in sentence or "no audio data" in sentence


def test_silence(tmp_path: Path) -> None:
    path = written(tmp_path / "silent.wav", np.zeros(RATE, np.float32))
    assert "Nothing can be heard" in refusal(path)
    hum = np.full(RATE, 5e-5, np.float32)
    with pytest.raises(InputError, match="Nothing can be heard"):
        prepare_samples(hum, RATE, CONFIG)
    assert prepare_samples(hum * 4, RATE, CONFIG).size == RATE


def test_nan_in_a_float_wav(tmp_path: Path) -> None:
    x = speech_like(0.5)
    x[100] = np.nan
    assert "NaN" in refusal(written(tmp_path / "nan.wav", x, subtype="FLOAT"))


def test_shorter_than_a_window(tmp_path: Path) -> None:
    path = written(tmp_path / "short.wav", speech_like(0.024))
    assert "too short: 24.0 ms, and one window takes 25 ms" in refusal(path)
    assert read_recording(written(path, speech_like(0.025)), CONFIG).size == 400


def test_half_an_hour_is_refused_from_the_header(tmp_path: Path) -> None:
    path, length = tmp_path / "long.wav", 1800 * RATE * 2
    head = struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + length, b"WAVE", b"fmt ", 16, 1, 1,
                       RATE, 2 * RATE, 2, 16, b"data", length)  # fmt: skip
    with path.open("wb") as file:
        file.write(head)
        file.truncate(len(head) + length)  # a hole: no disk is used
    read_recording(written(tmp_path / "warm.wav", speech_like(0.5)), CONFIG)
    tracemalloc.start()
    try:
        sentence = refusal(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert "1800 s long" in sentence
    assert "at most 5 s" in sentence
    assert peak < 1 << 20  # the samples would be 115 MB


def test_too_long_by_a_little_and_not_too_long(tmp_path: Path) -> None:
    path = written(tmp_path / "long.flac", speech_like(5.01))
    assert "at most 5 s" in refusal(path)
    assert read_recording(written(path, speech_like(5.0)), CONFIG).size == 5 * RATE
    with pytest.raises(InputError, match="at most 5 s"):
        prepare_samples(speech_like(5.01), RATE, CONFIG)


@pytest.mark.parametrize(
    ("samples", "rate", "why"),
    [
        (np.zeros((2, 2, 2), np.float32), RATE, "[samples] or [samples, channels]"),
        (np.float32(0.5), RATE, "[samples] or [samples, channels]"),
        (np.zeros((2, 16000), np.float32), RATE, "Transpose it"),
        (np.zeros((16000, 0), np.float32), RATE, "no samples"),
        (np.zeros(0, np.float32), RATE, "no samples"),
        (np.ones(16000, np.int32), RATE, "not int32"),
        (np.ones((16000, 2), np.int32), RATE, "not int32"),
        (np.ones((16000, 2), np.uint8), RATE, "not uint8"),
        (np.ones(16000, np.complex64), RATE, "not complex64"),
        (np.array(["a"] * 500), RATE, "floating point"),
        (np.ones(16000, np.float32), 0, "whole hertz"),
        (np.ones(16000, np.float32), -16000, "whole hertz"),
        (np.ones(16000, np.float32), 16000.5, "whole hertz"),
        (np.ones(16000, np.float32), "16000", "whole hertz"),
        (np.ones(16000, np.float32), None, "whole hertz"),
        ([[0.1], [0.1, 0.2]], RATE, "[samples] or [samples, channels]"),
        (np.full(16000, 8000.0, np.float32), RATE, "Divide them by 32768"),
        (np.full((16000, 2), -8000.0), RATE, "Divide them by 32768"),
    ],
)
def test_wrong_rank_dtype_or_rate(samples: object, rate: object, why: str) -> None:
    with pytest.raises(InputError) as caught:
        prepare_samples(samples, rate, CONFIG)
    assert why in str(caught.value)


def test_floats_a_little_beyond_full_scale_are_taken() -> None:
    assert prepare_samples(np.full(16000, 4.0, np.float32), RATE, CONFIG).max() == 4
    assert prepare_samples(np.full(16000, 8000, np.int16), RATE, CONFIG).max() < 1

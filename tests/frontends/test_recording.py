"""Recordings that can be read, and what becomes of their channels, rate and sample format."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile

from edge_sdk.errors import InputError
from edge_sdk.frontends.config import AudioFeaturesConfig
from edge_sdk.frontends.recording import prepare_samples, read_recording

from ..synthetic import RATE, speech_like, tone

CONFIG = AudioFeaturesConfig(max_seconds=5.0)


def loudest_hertz(x: np.ndarray, rate: int) -> float:
    spectrum = np.abs(np.fft.rfft(x * np.hanning(x.size)))
    return float(spectrum.argmax() * rate / x.size)


@pytest.mark.parametrize(
    ("suffix", "subtype", "close"),
    [
        ("wav", "PCM_16", 1e-4),
        ("wav", "PCM_24", 1e-5),
        ("wav", "PCM_U8", 0.02),
        ("wav", "FLOAT", 1e-7),
        ("flac", "PCM_16", 1e-4),
        ("ogg", "VORBIS", 0.15),
    ],
)
def test_formats(tmp_path: Path, suffix: str, subtype: str, close: float) -> None:
    x = speech_like(1.0)
    path = tmp_path / f"a.{suffix}"
    soundfile.write(path, x, RATE, subtype=subtype)
    got = read_recording(path, CONFIG)
    assert got.dtype == np.float32
    assert got.shape == x.shape
    assert np.abs(got - x).max() < close
    np.testing.assert_array_equal(read_recording(io.BytesIO(path.read_bytes()), CONFIG), got)
    np.testing.assert_array_equal(read_recording(str(path), CONFIG), got)


def test_channels_are_averaged(tmp_path: Path) -> None:
    left, right = speech_like(0.5, seed=1), speech_like(0.5, seed=2)
    path = tmp_path / "stereo.wav"
    soundfile.write(path, np.stack([left, right], 1), RATE, subtype="FLOAT")
    np.testing.assert_allclose(read_recording(path, CONFIG), (left + right) / 2, atol=1e-6)


@pytest.mark.parametrize("rate", [8000, 11025, 22050, 44100, 48000])
def test_other_rates_are_resampled_in_tune_and_at_the_same_level(tmp_path: Path, rate: int) -> None:
    path = tmp_path / "tone.wav"
    soundfile.write(path, tone(1000, 1.0, rate), rate, subtype="FLOAT")
    got = read_recording(path, CONFIG)
    assert abs(got.size - RATE) <= 1
    assert abs(loudest_hertz(got, RATE) - 1000) < 2
    middle = got[RATE // 4 : -RATE // 4]
    assert abs(np.sqrt(2 * np.mean(middle**2)) - 0.5) < 0.005


def test_resampling_does_not_fold_what_is_above_half_the_rate() -> None:
    both = tone(1000, 1.0, 48000) + tone(11000, 1.0, 48000)  # 11 kHz would fold to 5 kHz
    got = prepare_samples(both, 48000, CONFIG)
    spectrum = np.abs(np.fft.rfft(got * np.hanning(got.size)))
    hertz = np.fft.rfftfreq(got.size, 1 / RATE)
    folded = spectrum[np.abs(hertz - 5000) < 50].max() / spectrum.max()
    assert 20 * np.log10(folded) < -80


def test_sixteen_bit_arrays_equal_their_floats() -> None:
    x = (speech_like(0.5) * 32767).astype(np.int16)
    for rate in (RATE, 44100):
        expected = prepare_samples(x.astype(np.float32) / 32768, rate, CONFIG)
        np.testing.assert_array_equal(prepare_samples(x, rate, CONFIG), expected)
    pair = np.stack([x, x], 1)
    np.testing.assert_allclose(
        prepare_samples(pair, RATE, CONFIG), prepare_samples(x, RATE, CONFIG), atol=1e-7
    )


@pytest.mark.parametrize("length", [0, 0xFFFFFFFF, 0x7FFFFFFF, 0x7FFFFF00, 0x7FFFF000])
def test_a_wav_written_to_a_pipe_does_not_know_its_length(tmp_path: Path, length: int) -> None:
    # 0x7fffff00 is what arecord writes, 0x7ffff000 what sox writes.
    x = (speech_like(0.5) * 32767).astype("<i2")
    head = struct.pack("<4sI4s4sIHHIIHH", b"RIFF", min(length + 36, 0xFFFFFFFF), b"WAVE", b"fmt ",
                       16, 1, 1, RATE, 2 * RATE, 2, 16)  # fmt: skip
    path = tmp_path / "pipe.wav"
    path.write_bytes(head + struct.pack("<4sI", b"data", length) + x.tobytes())
    if length == 0:
        # Nothing tells "not known" from "none", and the decoder takes it as none.
        with pytest.raises(InputError, match="no samples"):
            read_recording(path, CONFIG)
    else:
        got = read_recording(path, CONFIG)
        np.testing.assert_array_equal(got, x.astype(np.float32) / 32768)

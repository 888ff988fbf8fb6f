"""Log-mel features: Kaldi's numbers, the same from a stream as from a whole recording."""

from __future__ import annotations

import kaldi_native_fbank
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from edge_sdk.errors import InputError
from edge_sdk.frontends.audio import LogMel
from edge_sdk.frontends.config import AudioFeaturesConfig

from ..synthetic import speech_like, tone

CONFIGS = {
    "default": AudioFeaturesConfig(),
    "8 kHz, 40 bands": AudioFeaturesConfig(rate=8000, bands=40, high_hz=4000.0),
    "32/16 ms": AudioFeaturesConfig(window_ms=32.0, hop_ms=16.0, bands=64),
    "narrow": AudioFeaturesConfig(bands=23, low_hz=60.0, high_hz=7600.0),
    "no pre-emphasis, offset kept": AudioFeaturesConfig(preemphasis=0.0, remove_dc=False),
}


def kaldi(x: NDArray[np.float32], config: AudioFeaturesConfig) -> NDArray[np.float32]:
    """What kaldi-native-fbank makes of ``x`` with the parameters of ``config``."""
    options = kaldi_native_fbank.FbankOptions()
    options.frame_opts.samp_freq = config.rate
    options.frame_opts.frame_length_ms = config.window_ms
    options.frame_opts.frame_shift_ms = config.hop_ms
    options.frame_opts.dither = 0.0
    options.frame_opts.preemph_coeff = config.preemphasis
    options.frame_opts.remove_dc_offset = config.remove_dc
    options.mel_opts.num_bins = config.bands
    options.mel_opts.low_freq = config.low_hz
    options.mel_opts.high_freq = config.high_hz
    options.use_energy = False
    fbank = kaldi_native_fbank.OnlineFbank(options)
    fbank.accept_waveform(config.rate, x.tolist())
    fbank.input_finished()
    return np.array([fbank.get_frame(i) for i in range(fbank.num_frames_ready)], np.float32)


def signals(rate: int) -> dict[str, NDArray[np.float32]]:
    """Speech-like sound, loud and quiet, with an offset, and noise."""
    rng = np.random.default_rng(1)
    speech = speech_like(1.2, rate)
    return {
        "speech": speech,
        "quiet": speech * np.float32(0.01),
        "offset": speech * np.float32(0.05) + np.float32(0.05),
        "noise": rng.uniform(-1, 1, rate).astype(np.float32),
        "clipped": (speech * 20).clip(-1, 1),
    }


@pytest.mark.parametrize("name", CONFIGS)
def test_agrees_with_kaldi_native_fbank(name: str) -> None:
    config = CONFIGS[name]
    features = LogMel(config)
    for signal, x in signals(config.rate).items():
        expected = kaldi(x, config)
        got = features.batch(x)
        assert got.dtype == np.float32
        assert got.shape == expected.shape == (features.frames(x.size), config.bands), signal
        np.testing.assert_allclose(got, expected, atol=1e-3, rtol=0, err_msg=signal)


def test_a_tone_stands_out_in_the_band_around_it() -> None:
    config = AudioFeaturesConfig()
    edges = np.linspace(*(1127 * np.log1p(np.array([config.low_hz, config.high_hz]) / 700)), 82)
    for hertz in (400.0, 1000.0, 3000.0):
        loudest = LogMel(config).batch(tone(hertz, 0.5)).mean(axis=0).argmax()
        mel = 1127 * np.log1p(hertz / 700)
        assert edges[loudest] < mel < edges[loudest + 2]


@pytest.mark.parametrize(
    ("samples", "frames"), [(0, 0), (399, 0), (400, 1), (559, 1), (560, 2), (16000, 98)]
)
def test_frames_only_where_the_whole_window_fits(samples: int, frames: int) -> None:
    features = LogMel()
    assert features.frames(samples) == frames
    assert features.batch(np.zeros(samples, np.float32)).shape == (frames, 80)


def test_digital_silence_is_the_floor_in_every_band() -> None:
    config = AudioFeaturesConfig()
    got = LogMel(config).batch(np.zeros(1600, np.float32))
    np.testing.assert_allclose(got, np.log(config.floor), atol=1e-6)


def test_mean_and_scale_shift_and_stretch_the_logarithms() -> None:
    x = speech_like(0.5)
    plain = LogMel().batch(x)
    scaled = LogMel(AudioFeaturesConfig(mean=-4.0, scale=0.25)).batch(x)
    np.testing.assert_allclose(scaled, (plain + 4.0) * 0.25, atol=1e-5)


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_any_chunking_gives_what_the_whole_gives(data: st.DataObject) -> None:
    config = CONFIGS[data.draw(st.sampled_from(["default", "8 kHz, 40 bands", "32/16 ms"]))]
    length = data.draw(st.integers(0, 20000), label="length")
    x = speech_like(2.5, 8000)[:length]
    features = LogMel(config)
    stream, got, position = features.stream(), [], 0
    while position < length:
        size = data.draw(st.integers(1, 4000) if position < 9000 else st.just(4000))
        before = sum(map(len, got))
        got.append(stream.push(x[position : position + size]))
        position = min(position + size, length)
        # A frame comes as soon as its last sample is there, not a chunk later.
        assert before + len(got[-1]) == features.frames(position)
    got.append(stream.flush())
    joined = np.concatenate(got)
    whole = features.batch(x)
    assert joined.shape == whole.shape
    np.testing.assert_allclose(joined, whole, atol=1e-5, rtol=0)


def test_one_sample_at_a_time() -> None:
    x = speech_like(0.06)
    stream = LogMel().stream()
    got = np.concatenate([stream.push(x[i : i + 1]) for i in range(x.size)])
    np.testing.assert_allclose(got, LogMel().batch(x), atol=1e-5, rtol=0)


def test_a_flushed_stream_starts_anew() -> None:
    x = speech_like(0.3)
    stream = LogMel().stream()
    stream.push(x[:1000])
    assert stream.flush().shape == (0, 80)
    np.testing.assert_allclose(stream.push(x), LogMel().batch(x), atol=1e-5, rtol=0)


def test_streams_of_one_front_end_do_not_share_samples() -> None:
    features, x, y = LogMel(), speech_like(0.4, seed=1), speech_like(0.4, seed=2)
    one, two = features.stream(), features.stream()
    first = [(one.push(x[i : i + 700]), two.push(y[i : i + 700])) for i in range(0, x.size, 700)]
    np.testing.assert_allclose(
        np.concatenate([a for a, _ in first]), features.batch(x), atol=1e-5, rtol=0
    )
    np.testing.assert_allclose(
        np.concatenate([b for _, b in first]), features.batch(y), atol=1e-5, rtol=0
    )


def test_the_stream_keeps_a_copy_of_what_it_holds_back() -> None:
    x = speech_like(0.2)
    stream, chunk = LogMel().stream(), x[:1000].copy()
    head = stream.push(chunk)
    chunk[:] = 0  # a capture buffer is used again
    got = np.concatenate([head, stream.push(x[1000:])])
    np.testing.assert_allclose(got, LogMel().batch(x), atol=1e-5, rtol=0)


BAD = {
    "nan": (np.array([0.1, np.nan, 0.2], np.float32), "NaN or infinity, first at sample 1"),
    "infinity": (np.array([0.1, 0.2, -np.inf], np.float32), "NaN or infinity, first at sample 2"),
    "integers": (np.zeros(500, np.int16), "floating point in [-1, 1], not int16"),
    "two-dimensional": (np.zeros((500, 2), np.float32), "one-dimensional"),
    "a number": (np.float32(0.5), "one-dimensional"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_audio_is_refused_and_leaves_the_stream_unharmed(name: str) -> None:
    bad, sentence = BAD[name]
    x = speech_like(0.3)
    stream = LogMel().stream()
    head = stream.push(x[:999])
    for refuse in (stream.push, LogMel().batch):
        with pytest.raises(InputError) as caught:
            refuse(bad)
        assert sentence in str(caught.value)
    got = np.concatenate([head, stream.push(x[999:])])
    np.testing.assert_allclose(got, LogMel().batch(x), atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"high_hz": 9000.0}, "half the rate"),
        ({"low_hz": 8000.0}, "must rise"),
        ({"hop_ms": 30.0}, "hop may not be longer"),
    ],
)
def test_a_configuration_that_makes_no_sense_is_refused(change: dict, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        AudioFeaturesConfig(**change)

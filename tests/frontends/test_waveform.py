"""The samples themselves as features: nothing is lost, whole or in chunks."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_sdk.errors import InputError
from edge_sdk.frontends import Frontends, FrontendsConfig, Waveform
from edge_sdk.frontends.config import AudioFeaturesConfig

CONFIG = AudioFeaturesConfig(features="waveform", rate=8000, mean=0.25, scale=2.0)


def samples(count: int) -> np.ndarray:
    return np.random.default_rng(count).uniform(-1, 1, count).astype(np.float32)


def test_a_frame_is_a_sample_in_one_band() -> None:
    x = samples(1000)
    features = Waveform(CONFIG).batch(x)
    assert features.shape == (1000, 1)
    assert features.dtype == np.float32
    np.testing.assert_allclose(features[:, 0], (x - 0.25) * 2, rtol=1e-6)
    assert (CONFIG.hop, CONFIG.window, CONFIG.bands) == (1, 1, 1)
    assert Waveform(CONFIG).frames(1000) == 1000


@given(st.lists(st.integers(0, 300), max_size=8))
def test_chunks_give_what_the_whole_gives(sizes: list[int]) -> None:
    whole = samples(sum(sizes))
    stream = Waveform(CONFIG).stream()
    chunks = np.split(whole, np.cumsum(sizes)[:-1]) if sizes else []
    parts = [stream.push(chunk) for chunk in chunks] + [stream.flush()]
    np.testing.assert_array_equal(np.concatenate(parts), Waveform(CONFIG).batch(whole))


def test_what_is_no_audio_is_refused() -> None:
    with pytest.raises(InputError, match="one-dimensional"):
        Waveform(CONFIG).batch(np.zeros((2, 8), np.float32))


def test_the_parameters_choose_the_front_end() -> None:
    for rate in (8000, 11025, 16000, 44100):
        config = AudioFeaturesConfig(features="waveform", rate=rate)
        again = msgspec.json.decode(msgspec.json.encode(config), type=AudioFeaturesConfig)
        assert again == config
        assert again.hop == 1
        assert isinstance(Frontends(FrontendsConfig(audio=again)).audio, Waveform)


@pytest.mark.parametrize("field", [{"bands": 40}, {"hop_ms": 5.0}, {"low_hz": 50.0}])
def test_a_parameter_of_a_filter_bank_is_refused(field: dict[str, float]) -> None:
    fields = {"features": "waveform", **field}
    with pytest.raises(msgspec.ValidationError, match=f"{next(iter(field))} is of log-mel"):
        msgspec.convert(fields, AudioFeaturesConfig)

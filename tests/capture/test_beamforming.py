"""Beamforming on simulated arrays in a simulated room."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

with pytest.MonkeyPatch.context() as patch:
    # It would start PortAudio, with the devices of this moment, for the tests that come later.
    patch.setitem(sys.modules, "sounddevice", None)
    import pyroomacoustics

from edge_sdk.errors import InputError, UsageError
from edge_sdk.runtimes.capture import Beamformed, MicrophoneArray, ReplayAudio, VirtualClock
from edge_sdk.runtimes.capture.beamforming import Beamformer

RATE = 16000
Samples = np.ndarray[tuple[int, int], np.dtype[np.float32]]


def heard(array: MicrophoneArray, azimuth: float, seconds: float = 1.0) -> Samples:
    """What the array hears of noise from ``azimuth``, 1.8 m away in a damped room."""
    rng = np.random.default_rng(int(azimuth))
    room = pyroomacoustics.ShoeBox(
        [6, 5, 3], fs=RATE, materials=pyroomacoustics.Material(0.6), max_order=2
    )
    middle = np.array([3.0, 2.5, 1.2])
    room.add_microphone_array((array.positions + middle).T)
    angle = np.deg2rad(azimuth)
    away = 1.8 * np.array([np.cos(angle), np.sin(angle), 0.0])
    room.add_source(middle + away, signal=rng.standard_normal(round(seconds * RATE)))
    room.simulate()
    samples = room.mic_array.signals.T[: round(seconds * RATE)].astype(np.float32)
    return samples / (2 * np.abs(samples).max())


def whole(beam: Beamformer, samples: Samples) -> np.ndarray:
    return np.concatenate([beam.push(samples), beam.flush()])


def power(samples: np.ndarray) -> float:
    return float(np.mean(np.square(samples, dtype=np.float64)))


@pytest.mark.parametrize("name", ["circle:4:0.05", "line:4:0.05"])
@pytest.mark.parametrize("azimuth", [25.0, 80.0, 120.0, 155.0])
def test_the_direction_is_found_and_the_noise_goes_down(name: str, azimuth: float) -> None:
    array = MicrophoneArray.load(name)
    clean = heard(array, azimuth)
    rng = np.random.default_rng(1)
    noise = rng.standard_normal(clean.shape).astype(np.float32)
    noise *= np.float32(np.sqrt(power(clean) / power(noise) / 3))
    beam = Beamformer(array, RATE)
    beam.push(clean + noise)
    assert beam.direction == pytest.approx(azimuth, abs=8)
    # The beam is linear: sound and noise go through it apart to be told apart.
    left = power(whole(Beamformer(array, RATE, direction=beam.direction), clean))
    rest = power(whole(Beamformer(array, RATE, direction=beam.direction), noise))
    gain = 10 * np.log10(left / rest) - 10 * np.log10(power(clean[:, 0]) / power(noise[:, 0]))
    # Four microphones give 6 dB at most; echoes come from elsewhere and take some of it.
    assert 4.0 < gain < 7.0


def test_the_beam_gives_the_sound_in_its_place_for_any_chunking() -> None:
    array = MicrophoneArray.load("circle:4:0.05")
    rng = np.random.default_rng(3)
    time = np.arange(RATE) / RATE
    tones = [(f, rng.uniform(0, 6)) for f in (300.0, 900.0, 2100.0)]

    def wave(early: float) -> np.ndarray:
        return sum(0.2 * np.sin(2 * np.pi * f * (time + early) + phase) for f, phase in tones)

    delays = array.delays(np.array([50.0]))[0]
    samples = np.stack([wave(d) for d in delays], axis=1).astype(np.float32)
    beam = Beamformer(array, RATE, direction=50.0)
    expected = whole(beam, samples)
    assert len(expected) == len(samples)
    middle = slice(1000, -1000)
    np.testing.assert_allclose(expected[middle], wave(0.0)[middle], atol=2e-3)
    pieces = []
    at = 0
    while at < len(samples):
        step = int(rng.integers(1, 700))
        pieces.append(beam.push(samples[at : at + step]))
        at += step
    pieces.append(beam.flush())
    np.testing.assert_allclose(np.concatenate(pieces), expected, atol=1e-6)


def test_the_direction_follows_a_speaker_and_stays_in_noise_without_one() -> None:
    array = MicrophoneArray.load("circle:4:0.05")
    beam = Beamformer(array, RATE)
    assert beam.direction is None
    for azimuth in (40.0, 220.0, 310.0):
        beam.push(heard(array, azimuth))
        assert beam.direction == pytest.approx(azimuth, abs=8)
    rng = np.random.default_rng(0)
    for _ in range(5):
        beam.push(0.1 * rng.standard_normal((RATE, 4)).astype(np.float32))
        assert beam.direction == pytest.approx(310.0, abs=8)
    assert beam.confidence < 0.06
    beam.push(np.zeros((RATE, 4), np.float32))
    assert beam.direction == pytest.approx(310.0, abs=8)


def test_an_array_as_a_source_keeps_places_and_times(tmp_path: Path) -> None:
    array = MicrophoneArray.load("line:2:0.1")
    samples = heard(array, 60.0, seconds=2.0)
    path = tmp_path / "two.wav"
    soundfile.write(path, samples, RATE, subtype="FLOAT")

    def replay() -> ReplayAudio:
        return ReplayAudio(path, channels=2, block=1280, clock=VirtualClock(start=5.0))

    with Beamformed(replay(), array, direction=60.0) as source:
        blocks = []
        while source.state == "running" or len(blocks) < 25:
            block = source.read(timeout=1.0)
            assert block is not None
            blocks.append(block)
        assert source.direction == 60.0
    with replay() as plain:
        expected = list(plain)
    assert [b.position for b in blocks] == [b.position for b in expected]
    assert [b.time for b in blocks] == [b.time for b in expected]
    assert [b.samples.shape for b in blocks] == [(len(b.samples), 1) for b in expected]
    joined = np.concatenate([block.samples[:, 0] for block in blocks])
    np.testing.assert_array_equal(joined, whole(Beamformer(array, RATE, direction=60.0), samples))
    with pytest.raises(UsageError, match="2 microphones and the recording"):
        Beamformed(ReplayAudio(path), array)


def test_arrays_are_read_from_toml(tmp_path: Path) -> None:
    path = tmp_path / "square.toml"
    path.write_text("positions = [[0.03, 0.03], [-0.03, 0.03], [-0.03, -0.03], [0.03, -0.03]]\n")
    array = MicrophoneArray.load(path)
    assert (array.channels, array.linear) == (4, False)
    assert MicrophoneArray.load("line:3:0.04").linear
    # From the x axis, the microphone farthest along it hears first.
    assert array.delays(np.array([0.0]))[0][0] == pytest.approx(0.03 / 343.0)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("positions = [[1, 2], [3]]", "rows of x, y and z"),
        ("positions = [[0, 0], [0, 0]]", "all in one place"),
        ("positions = [[0, 0], [60, 0]]", "millimetres"),
        ("positions = [[0, 0]]", "2 to 8, not 1"),
        ("places = 1", "has no positions"),
        ("positions = [", "is not TOML"),
    ],
)
def test_an_array_that_is_none_is_a_sentence(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "array.toml"
    path.write_text(text)
    with pytest.raises(InputError, match=said):
        MicrophoneArray.load(path)


def test_an_array_that_is_not_written_as_one_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="There is no array at"):
        MicrophoneArray.load(tmp_path / "none.toml")
    with pytest.raises(UsageError, match=r"circle:4:0\.05"):
        MicrophoneArray.load("circle:4")
    with pytest.raises(InputError, match="has 4 microphones"):
        Beamformer(MicrophoneArray.load("circle:4:0.05"), RATE).push(np.zeros((5, 2), np.float32))

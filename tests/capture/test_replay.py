"""Recordings and videos as sources, on the virtual clock and in real time."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image

from edge_sdk.errors import CaptureError, UsageError
from edge_sdk.frontends.recording import resample
from edge_sdk.runtimes.capture import (
    AudioBlock,
    Frame,
    MonotonicClock,
    ReplayAudio,
    ReplayVideo,
    StreamEnded,
    VirtualClock,
)
from tests.mjpeg import number_in, picture


def recording(folder: Path, seconds: float, rate: int = 16000, channels: int = 1) -> Path:
    rng = np.random.default_rng(0)
    samples = rng.integers(-9000, 9000, (round(seconds * rate), channels)).astype(np.int16)
    path = folder / "talk.wav"
    soundfile.write(path, samples, rate, subtype="PCM_16")
    return path


def pictures(folder: Path, count: int) -> Path:
    place = folder / "frames"
    place.mkdir()
    for number in range(count):
        Image.fromarray(picture(number)).save(place / f"{number:04}.png")
    return place


def test_an_hour_long_wait_is_over_at_once_and_the_blocks_are_the_file(tmp_path: Path) -> None:
    path = recording(tmp_path, 2.01)
    clock = VirtualClock(start=100.0)
    with ReplayAudio(path, block=800, clock=clock) as source:
        blocks = list(source)
        assert source.state == "ended"
        with pytest.raises(StreamEnded):
            source.read()
    samples, _ = soundfile.read(path, dtype="float32")
    np.testing.assert_array_equal(np.concatenate([b.samples[:, 0] for b in blocks]), samples)
    assert [len(block.samples) for block in blocks] == [800] * 40 + [160]
    assert [block.position for block in blocks] == list(range(0, 32160, 800))
    assert [block.time for block in blocks] == [100 + b.position / 16000 for b in blocks]
    assert clock.now() == pytest.approx(102.01)


def test_a_recording_is_repeated_for_as_long_as_is_asked_for(tmp_path: Path) -> None:
    path = recording(tmp_path, 0.3)
    samples, rate = soundfile.read(path, dtype="float32")
    with ReplayAudio(path, rate=rate, repeat=0.75, clock=VirtualClock()) as source:
        heard = np.concatenate([block.samples[:, 0] for block in source])
    np.testing.assert_array_equal(heard, np.resize(samples, round(0.75 * rate)))


def test_another_rate_is_resampled_as_a_whole_recording_is(tmp_path: Path) -> None:
    path = recording(tmp_path, 1.0, rate=44100, channels=2)
    with ReplayAudio(path, clock=VirtualClock()) as source:
        heard = np.concatenate([block.samples[:, 0] for block in source])
    samples, _ = soundfile.read(path, dtype="float32")
    expected = resample(samples.mean(axis=1), 44100, 16000)
    assert abs(len(heard) - len(expected)) <= 1
    count = min(len(heard), len(expected))
    np.testing.assert_allclose(heard[:count], expected[:count], atol=1e-5)


def replay_both(audio: Path, video: Path) -> list[tuple[float, float, int]]:
    clock = VirtualClock()
    seen: list[tuple[float, float, int]] = []
    with ReplayAudio(audio, clock=clock) as sound, ReplayVideo(video, clock=clock) as sight:
        for block in sound:
            frame = sight.newest() if sight.state == "running" else None
            if frame is not None:
                seen.append((block.time, frame.time, number_in(frame.image)))
    return seen


def test_sound_and_pictures_run_on_one_clock_the_same_each_time(tmp_path: Path) -> None:
    audio, video = recording(tmp_path, 1.0), pictures(tmp_path, 12)
    seen = replay_both(audio, video)
    assert seen == replay_both(audio, video)
    assert {number for *_, number in seen} == set(range(12))
    for block, frame, number in seen:
        assert frame == pytest.approx(number / 15)
        # The newest picture when the block, of 20 ms, had come in.
        assert -1e-4 < block + 0.02 - frame < 1 / 15 + 1e-4


def test_a_video_waited_for_moves_the_clock_and_ends(tmp_path: Path) -> None:
    clock = VirtualClock()
    frames: list[Frame] = []
    with ReplayVideo(pictures(tmp_path, 5), fps=10, clock=clock) as source:
        assert source.newest(after=0) is None
        with pytest.raises(StreamEnded):  # noqa: PT012
            while True:
                frame = source.newest(frames[-1].number if frames else None, timeout=None)
                assert frame is not None
                frames.append(frame)
        assert source.state == "ended"
        assert source.counters().delivered == 5
    assert [frame.number for frame in frames] == list(range(5))
    assert [round(b.time - a.time, 6) for a, b in pairwise(frames)] == [0.1] * 4


def test_a_video_file_is_replayed_frame_by_frame(tmp_path: Path) -> None:
    cv2 = pytest.importorskip("cv2")
    path = tmp_path / "clip.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 20, (128, 96))
    for number in range(8):
        writer.write(np.ascontiguousarray(picture(number)[:, :, ::-1]))
    writer.release()
    shown = []
    with ReplayVideo(path, clock=VirtualClock()) as source:
        frame = source.newest()
        while frame is not None:
            shown.append((number_in(frame.image), round(frame.time * 20)))
            assert frame.image[48, 96, 0] > 150 > int(frame.image[48, 96, 2])
            try:
                frame = source.newest(frame.number, timeout=1.0)
            except StreamEnded:
                break
    assert shown == [(number, number) for number in range(8)]


def test_a_slow_reader_loses_the_oldest_as_with_a_microphone(tmp_path: Path) -> None:
    clock = VirtualClock()
    with ReplayAudio(recording(tmp_path, 5), buffer_seconds=1.0, clock=clock) as source:
        first = source.read()
        clock.sleep(3.0)
        second = source.read()
        assert first is not None
        assert second is not None
        assert second.skipped == second.position - 320 > 1.8 * 16000
        assert source.counters().lost == second.skipped
        assert [event.samples for event in source.events()] == [second.skipped]
        rest = list(source)
        assert sum(len(b.samples) for b in [first, second, *rest]) + second.skipped == 80000


def test_real_time_takes_the_time_of_the_recording(tmp_path: Path) -> None:
    clock = MonotonicClock()
    with ReplayAudio(recording(tmp_path, 0.3)) as source:
        begin = clock.now()
        assert source.read(timeout=0) is None
        blocks: list[AudioBlock] = list(source)
        assert clock.now() - begin >= 0.29
    assert sum(len(block.samples) for block in blocks) == 4800


def test_what_cannot_be_replayed_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    noise = tmp_path / "noise.mp4"
    noise.write_bytes(b"nothing")
    # OpenCV opens an animated picture, and then has no frame of it.
    animated = tmp_path / "animated.webp"
    shown = [Image.fromarray(np.full((8, 8, 3), grey, np.uint8)) for grey in (0, 255)]
    shown[0].save(animated, save_all=True, append_images=shown[1:])
    for source, said in (
        (ReplayAudio(tmp_path / "no.wav"), "cannot be replayed"),
        (ReplayAudio(noise), "cannot be replayed"),
        (ReplayAudio(recording(tmp_path, 0.1), channels=2), "has 1 channels, not 2"),
        (ReplayVideo(tmp_path / "no.mp4"), "There is no video file"),
        (ReplayVideo(tmp_path / "empty"), "holds no PNG or JPEG"),
        (ReplayVideo(noise), "holds no video"),
        (ReplayVideo(animated), "holds no video"),
    ):
        with pytest.raises(CaptureError, match=said):
            source.start()
        assert source.state == "stopped"
    with pytest.raises(UsageError):
        ReplayVideo(noise, fps=0)
    with pytest.raises(UsageError):
        ReplayAudio(noise, block=0)

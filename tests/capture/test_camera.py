"""The real OpenCV against a network camera on this machine that misbehaves when told to."""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from edge_sdk.errors import CaptureError, DependencyError, UsageError
from edge_sdk.runtimes.capture import (
    Back,
    Camera,
    CameraFrozen,
    Frame,
    GarbageFrames,
    Retrying,
    StreamEnded,
    Unplugged,
)
from tests.capture.resources import PATIENCE, nothing_left_behind
from tests.capture.watching import events_until, watch_until
from tests.mjpeg import SIZE, NetworkCamera, network_camera, number_in

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def server() -> Iterator[NetworkCamera]:
    with network_camera() as camera:
        yield camera


def test_frames_are_rgb_newest_first_and_stamped_in_order(server: NetworkCamera) -> None:
    with nothing_left_behind(), Camera(server.address) as camera:
        before = time.monotonic()
        frames = watch_until(camera, lambda got: len(got) >= 15)
        again = camera.newest()
        counters = camera.counters()
    assert again is not None
    assert again.number >= frames[-1].number
    for frame in frames:
        assert frame.image.shape == (*SIZE, 3)
        assert frame.image.dtype == np.uint8
        red, green, blue = frame.image[48, 96]
        assert red > 150 > green + blue
        assert before - PATIENCE < frame.time <= time.monotonic()
    numbers = [frame.number for frame in frames]
    assert numbers == sorted(set(numbers))
    assert all(a.time < b.time for a, b in itertools.pairwise(frames))
    # The server's own numbers move on with the camera's: no frame is shown twice or late.
    shown = [number_in(frame.image) for frame in frames]
    assert [b - a for a, b in itertools.pairwise(shown)] == [
        b - a for a, b in itertools.pairwise(numbers)
    ]
    assert counters.grabbed >= 15
    assert counters.garbage == counters.reconnects == 0


def test_a_slow_reader_gets_the_newest_and_the_rest_is_counted(server: NetworkCamera) -> None:
    with Camera(server.address) as camera:
        first = watch_until(camera, lambda got: len(got) == 1)[0]
        sent = server.sent
        while server.sent < sent + 20:
            time.sleep(0.02)
        watch_until(camera, lambda _: camera.counters().grabbed >= first.number + 15)
        counters = camera.counters()
    assert counters.grabbed >= counters.delivered + counters.dropped
    second = None
    with Camera(server.address) as camera:
        watch_until(camera, lambda got: len(got) == 1)
        time.sleep(1.0)
        second = camera.newest()
        assert second is not None
        behind = (server.sent - 1 - number_in(second.image)) % 256
        counters = camera.counters()
    # A queue would be a second behind: thirty frames.
    assert behind < 15
    assert counters.dropped > 0


def test_a_wanted_rate_below_the_cameras_drops_and_does_not_queue(server: NetworkCamera) -> None:
    with Camera(server.address, rate=5) as camera:
        frames = watch_until(camera, lambda got: len(got) >= 8)
        counters = camera.counters()
    steps = [b.time - a.time for a, b in itertools.pairwise(frames)]
    assert min(steps[1:]) > 0.1
    assert counters.grabbed > 2 * counters.delivered
    assert counters.dropped >= counters.grabbed - counters.delivered - 1


def test_a_camera_that_hangs_up_is_tried_again_until_it_is_back(server: NetworkCamera) -> None:
    with nothing_left_behind(), Camera(server.address, frozen_seconds=1.0) as camera:
        before = watch_until(camera, lambda got: len(got) >= 3)
        server.mood = "refuse"
        events = events_until(camera, Unplugged)
        watch_until(camera, lambda _: camera.state == "lost")
        events += events_until(camera, Retrying) if Retrying not in map(type, events) else []
        server.mood = "well"
        events += events_until(camera, Back)
        after = watch_until(camera, lambda got: len(got) >= 3)
        assert camera.state == "running"
        assert camera.counters().reconnects == 1
    assert after[0].number > before[-1].number
    kinds = [type(event) for event in events]
    assert kinds.index(Unplugged) < kinds.index(Retrying) < kinds.index(Back)


def test_a_camera_that_sends_nothing_is_frozen_then_lost(server: NetworkCamera) -> None:
    with Camera(server.address, frozen_seconds=0.5) as camera:
        watch_until(camera, lambda got: len(got) >= 3)
        server.mood = "silent"
        events = events_until(camera, Unplugged)
        server.mood = "well"
        events += events_until(camera, Back)
    assert CameraFrozen in {type(event) for event in events}


def test_the_same_picture_again_and_again_is_not_a_new_frame(server: NetworkCamera) -> None:
    with Camera(server.address, frozen_seconds=0.5) as camera:
        watch_until(camera, lambda got: len(got) >= 3)
        server.mood = "same"
        events = events_until(camera, CameraFrozen)
        assert [e.seconds > 0.5 for e in events if isinstance(e, CameraFrozen)] == [True]
        last = camera.newest()
        assert last is not None
        assert camera.newest(last.number, timeout=0.5) is None
        assert camera.state == "running"
        server.mood = "well"
        watch_until(camera, lambda got: len(got) >= 3)
        assert camera.counters().freezes == 1


def test_garbage_is_counted_and_never_shown(server: NetworkCamera) -> None:
    with Camera(server.address, frozen_seconds=30.0) as camera:
        watch_until(camera, lambda got: len(got) >= 3)
        server.mood = "garbage"
        events_until(camera, GarbageFrames)
        server.mood = "well"
        frames = watch_until(camera, lambda got: len(got) >= 5)
        counters = camera.counters()
    assert counters.garbage >= 3
    assert counters.reconnects == 0
    assert all(frame.image[48, 96, 0] > 150 for frame in frames)


def test_a_camera_that_stays_away_is_given_up(server: NetworkCamera) -> None:
    with Camera(server.address, frozen_seconds=0.5, give_up_seconds=1.0) as camera:
        watch_until(camera, lambda got: len(got) >= 3)
        server.mood = "refuse"
        with pytest.raises(CaptureError, match="was given up"):
            watch_until(camera, lambda _: False)
        with pytest.raises(CaptureError, match="was given up"):
            camera.newest(10**9)
        assert camera.state == "ended"


def test_a_video_file_comes_at_its_own_pace_and_ends(tmp_path: Path) -> None:
    cv2 = pytest.importorskip("cv2")
    clip = tmp_path / "clip.avi"
    writer = cv2.VideoWriter(str(clip), cv2.VideoWriter_fourcc(*"MJPG"), 25, (64, 48))
    rng = np.random.default_rng(0)
    for _ in range(10):
        writer.write(rng.integers(0, 255, (48, 64, 3), np.uint8))
    writer.release()
    frames: list[Frame] = []
    with Camera(str(clip)) as camera:
        while True:
            try:
                frame = camera.newest(frames[-1].number if frames else None, timeout=1.0)
            except StreamEnded:
                break
            if frame is not None:
                frames.append(frame)
        assert camera.state == "ended"
    assert frames[-1].number == 9
    assert frames[-1].time - frames[0].time > 0.2


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("99", "camera 99 cannot be opened; this machine has"),
        ("http://127.0.0.1:9/x.mjpg", "cannot be opened"),
        ("nothing.mp4", "There is no camera 'nothing.mp4'"),
        ("picamera2:front", "picamera2:NUMBER"),
    ],
)
def test_a_camera_that_is_not_there_is_a_sentence(address: str, said: str) -> None:
    with nothing_left_behind(), pytest.raises(CaptureError, match=said):
        Camera(address).start()


def test_a_file_without_a_video_is_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(b"no video")
    with pytest.raises(CaptureError, match="holds no video"):
        Camera(str(path)).start()


def test_without_the_packages_the_commands_that_install_them_are_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    monkeypatch.setitem(sys.modules, "picamera2", None)
    with pytest.raises(DependencyError, match="pip install 'edge-sdk\\[camera\\]'"):
        Camera(0).start()
    with pytest.raises(DependencyError, match="apt-get install python3-picamera2"):
        Camera("picamera2").start()


def test_a_rate_must_be_above_zero() -> None:
    with pytest.raises(UsageError):
        Camera(0, rate=0)

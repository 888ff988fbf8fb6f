"""Cameras behind GStreamer: pipelines in a process of their own, and a real RTSP server."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from edge_sdk.errors import CaptureError, DependencyError
from edge_sdk.runtimes.capture import Back, Camera, Unplugged
from edge_sdk.runtimes.capture.gst_launch import GstLaunchCamera
from tests.capture.resources import nothing_left_behind
from tests.capture.watching import events_until, watch_until
from tests.rtsp import rtsp_camera

pytestmark = pytest.mark.timeout(180)

RED = "videotestsrc is-live=true pattern=ball foreground-color=0xffff0000"


@pytest.fixture(autouse=True)
def opencv_from_pip(monkeypatch: pytest.MonkeyPatch) -> None:
    """As most have it; one with GStreamer would run the pipelines itself."""
    monkeypatch.setattr("edge_sdk.runtimes.capture.opencv.has_gstreamer", lambda: False)


# 4 bytes a row are filled up: 321 * 3 is no multiple of it.
@pytest.mark.parametrize("width", [320, 321])
def test_a_pipeline_gives_rgb_frames_of_its_own_size(width: int) -> None:
    pipeline = f"gst:{RED} ! video/x-raw,width={width},height=200,framerate=20/1 ! appsink"
    with nothing_left_behind(), Camera(pipeline) as camera:
        frames = watch_until(camera, lambda got: len(got) >= 5)
    for frame in frames:
        assert frame.image.shape == (200, width, 3)
        red, green, blue = (frame.image[..., channel].astype(int) for channel in range(3))
        ball = red > 150
        assert 0.001 < ball.mean() < 0.2
        assert green[ball].max() < 60
        assert blue[ball].max() < 60
    centres = [np.argwhere(frame.image[..., 0] > 150).mean(axis=0) for frame in frames]
    assert all((a != b).any() for a, b in itertools.pairwise(centres))


def test_a_program_that_looks_through_its_plugins_first_is_given_the_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "gst-launch-1.0"
    program.write_text(f'#!/bin/sh\nsleep 2\nexec {shutil.which(program.name)} "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    pipeline = f"{RED} ! video/x-raw,width=64,height=48"
    with contextlib.closing(GstLaunchCamera(pipeline, patience=5.0, opening=1.5)) as camera:
        camera.open()
        assert camera.grab() is not None


def test_opencv_is_not_needed_for_a_pipeline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    with Camera(f"{RED} ! video/x-raw,width=64,height=48") as camera:
        watch_until(camera, lambda got: len(got) == 1)


def test_a_slow_reader_of_a_pipeline_gets_the_newest() -> None:
    with Camera(f"gst:{RED} ! video/x-raw,framerate=20/1 ! appsink") as camera:
        watch_until(camera, lambda got: len(got) >= 2)
        time.sleep(1.0)
        frame = camera.newest()
        now = time.monotonic()
        counters = camera.counters()
    assert frame is not None
    assert now - frame.time < 0.5
    assert counters.dropped > 0


@pytest.mark.parametrize(
    ("pipeline", "said"),
    [
        ("nosuchsrc ! appsink", 'cannot be opened: no element "nosuchsrc"'),
        ("v4l2src device=/dev/video99 ! appsink", "Cannot identify device '/dev/video99'"),
        ("videotestsrc ! video/x-raw,width ! appsink", "could not parse caps"),
    ],
)
def test_a_pipeline_that_does_not_run_is_a_sentence(pipeline: str, said: str) -> None:
    with nothing_left_behind(), pytest.raises(CaptureError, match=said):
        Camera(f"gst:{pipeline}").start()


def test_a_pipeline_that_ends_is_a_loss_and_is_started_again() -> None:
    with nothing_left_behind(), Camera(f"gst:{RED} num-buffers=4 ! appsink") as camera:
        events = events_until(camera, Back)
    lost = [event for event in events if isinstance(event, Unplugged)]
    assert lost[0].reason == "the pipeline has ended"


def test_without_gstreamer_the_command_that_installs_it_is_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(DependencyError, match="apt-get install gstreamer"):
        Camera("gst:videotestsrc ! appsink").start()


def test_an_rtsp_camera_is_read_and_comes_back_after_its_plug_was_pulled() -> None:
    with (
        rtsp_camera() as server,
        nothing_left_behind(),
        Camera(server.address, frozen_seconds=1.0) as camera,
    ):
        frames = watch_until(camera, lambda got: len(got) >= 5)
        assert frames[0].image.shape == (240, 320, 3)
        assert all((a.image != b.image).any() for a, b in itertools.pairwise(frames))
        server.stop()
        lost = events_until(camera, Unplugged)
        server.start()
        lost += events_until(camera, Back)
        assert camera.counters().reconnects == 1
    assert sum(isinstance(event, Unplugged) for event in lost) == 1

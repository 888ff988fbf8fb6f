"""Clips from files: every form gives the frames that the front-end takes, or says what is wrong."""

from __future__ import annotations

import io
import json
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edge_sdk.errors import DependencyError, InputError
from edge_sdk.frontends import Frontends
from edge_sdk.frontends.clip import read_clip
from edge_sdk.frontends.clip_stills import zip_of_stills
from edge_sdk.frontends.config import FrontendsConfig, ImageConfig, VideoConfig
from edge_sdk.frontends.media import features_of
from edge_sdk.frontends.video import VideoFrontend

CONFIG = VideoConfig(frame=ImageConfig(height=8, width=8), fps=5.0, frames=4)
#: Ten frames, 100 ms apart; the grey level tells which one it is.
FRAMES = [np.full((16, 24, 3), 20 * i, np.uint8) for i in range(10)]
TIMES = [i / 10 for i in range(10)]
#: The last one, and 200 ms before each other.
PICKED = [3, 5, 7, 9]


def png(frame: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(frame).save(buffer, "PNG")
    return buffer.getvalue()


def folder(path: Path, times: object = TIMES) -> Path:
    path.mkdir()
    for i, frame in enumerate(FRAMES):
        Image.fromarray(frame).save(path / f"{i:03}.png")
    if times is not None:
        (path / "times.json").write_text(json.dumps(times))
    return path


def zipped(path: Path) -> Path:
    path.write_bytes(zip_of_stills([png(frame) for frame in FRAMES], TIMES))
    return path


def animated(path: Path, duration: int = 100) -> Path:
    first, *rest = (Image.fromarray(frame) for frame in FRAMES)
    first.save(path, save_all=True, append_images=rest, duration=duration, lossless=True)
    return path


def film(path: Path) -> Path:
    cv2 = pytest.importorskip("cv2")
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), 10.0, (64, 48))
    for level in range(10):
        writer.write(np.full((48, 64, 3), 20 * level, np.uint8))
    writer.release()
    return path


def test_every_lossless_form_gives_the_frames_that_the_front_end_takes(tmp_path: Path) -> None:
    wanted = VideoFrontend(CONFIG)(FRAMES, TIMES)
    for source in (
        folder(tmp_path / "clip"),
        zipped(tmp_path / "clip.zip"),
        animated(tmp_path / "clip.gif"),
        animated(tmp_path / "clip.webp"),
        animated(tmp_path / "clip.png"),
    ):
        frames, times = read_clip(source, CONFIG)
        assert times == pytest.approx([TIMES[i] for i in PICKED]), source
        assert [int(frame[0, 0, 0]) for frame in frames] == [20 * i for i in PICKED], source
        features = features_of(Frontends(FrontendsConfig(video=CONFIG)), "video", source)
        np.testing.assert_array_equal(features, wanted)
    with (tmp_path / "clip.zip").open("rb") as file:
        assert read_clip(file, CONFIG)[1] == pytest.approx([TIMES[i] for i in PICKED])


def test_a_video_file(tmp_path: Path) -> None:
    frames, times = read_clip(film(tmp_path / "clip.mp4"), CONFIG)
    assert times == pytest.approx([TIMES[i] for i in PICKED], abs=1e-3)
    levels = [float(frame.mean()) for frame in frames]
    # The codec loses a little.
    assert levels == pytest.approx([20 * i for i in PICKED], abs=6)


def test_a_video_file_needs_opencv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = film(tmp_path / "clip.mp4")
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(DependencyError, match=r"pip install 'edge-sdk\[camera\]'"):
        read_clip(path, CONFIG)


def test_what_the_front_end_took_gives_the_same_features_again() -> None:
    rng = np.random.default_rng(0)
    frontend = VideoFrontend(CONFIG)
    for _ in range(30):
        times = np.cumsum(rng.uniform(0.01, 0.5, rng.integers(1, 20))).tolist()
        clip = [rng.integers(0, 255, (8, 8, 3), dtype=np.uint8) for _ in times]
        content = io.BytesIO(zip_of_stills([png(frame) for frame in clip], times))
        np.testing.assert_array_equal(frontend(*read_clip(content, CONFIG)), frontend(clip, times))


@pytest.mark.parametrize(
    ("times", "sentence"),
    [
        (None, "lacks times.json: a list with the time of each of its 10 pictures"),
        ([0.0], "has 10 pictures, and times.json has 1 times"),
        ({"a": 1}, "is no list of seconds"),
        ([0.0] * 10, "must be finite and rise"),
    ],
)
def test_times_that_do_not_fit(tmp_path: Path, times: object, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        read_clip(folder(tmp_path / "clip", times), CONFIG)


def test_what_is_no_clip(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="There is no clip at"):
        read_clip(tmp_path / "none", CONFIG)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no PNG or JPEG file"):
        read_clip(tmp_path / "empty", CONFIG)
    still = tmp_path / "still.png"
    still.write_bytes(png(FRAMES[0]))
    with pytest.raises(InputError, match="still picture"):
        read_clip(still, CONFIG)
    with pytest.raises(InputError, match="has no duration"):
        read_clip(animated(tmp_path / "instant.gif", 0), CONFIG)
    cut = tmp_path / "cut.zip"
    cut.write_bytes(zipped(tmp_path / "whole.zip").read_bytes()[:-40])
    with pytest.raises(InputError, match="damaged zip"):
        read_clip(cut, CONFIG)
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as archive:
        archive.writestr("0.png", b"no picture")
        archive.writestr("times.json", "[0]")
    with pytest.raises(InputError, match=r"The frame 0\.png of the clip .*bad\.zip.*damaged"):
        read_clip(tmp_path / "bad.zip", CONFIG)
    with pytest.raises(InputError, match="no clip to read"):
        read_clip(io.BytesIO(b"neither"), CONFIG)


def test_a_file_that_opencv_does_not_decode(tmp_path: Path) -> None:
    pytest.importorskip("cv2")
    path = tmp_path / "text.mp4"
    path.write_text("no film at all")
    with pytest.raises(InputError, match=r"text\.mp4 cannot be read"):
        read_clip(path, CONFIG)

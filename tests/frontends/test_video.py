"""Clips in: which frames are taken, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_sdk.errors import InputError
from edge_sdk.frontends.config import ImageConfig, VideoConfig
from edge_sdk.frontends.image import ImageFrontend
from edge_sdk.frontends.video import VideoFrontend

from ..synthetic import picture

FRAME = ImageConfig(height=4, width=4, mean=(0.0, 0.0, 0.0), std=(1 / 255, 1 / 255, 1 / 255))


def taken(times: list[float], *, fps: float, frames: int) -> list[int]:
    """The indices of the frames that a clip with these times gives; frame i is of value i."""
    clip = [np.full((5, 6, 3), i, np.uint8) for i in range(len(times))]
    got = VideoFrontend(VideoConfig(frame=FRAME, fps=fps, frames=frames))(clip, times)
    assert got.dtype == np.float32
    assert got.shape == (1, frames, 3, 4, 4)
    values = np.rint(got[0]).astype(int)
    assert (values == values[:, :1, :1, :1]).all()
    return values[:, 0, 0, 0].tolist()


@pytest.mark.parametrize(
    ("times", "fps", "frames", "expected"),
    [
        ([i / 30 for i in range(31)], 10.0, 4, [21, 24, 27, 30]),
        ([0.0, 0.2, 0.4, 0.6], 5.0, 4, [0, 1, 2, 3]),
        ([100.0, 100.2, 100.4, 100.6], 5.0, 2, [2, 3]),
        ([0.0], 5.0, 3, [0, 0, 0]),
        ([0.0, 0.1], 1.0, 3, [0, 0, 1]),
        ([0.0, 0.9, 1.0], 2.0, 3, [0, 1, 2]),
        ([0.0, 0.4, 1.0], 2.0, 3, [0, 1, 2]),
        ([0.0, 1.0, 2.0], 4.0, 4, [1, 1, 2, 2]),
    ],
)
def test_the_frame_nearest_to_each_instant(
    times: list[float], fps: float, frames: int, expected: list[int]
) -> None:
    assert taken(times, fps=fps, frames=frames) == expected


def test_a_frame_is_what_the_picture_front_end_makes_of_it() -> None:
    clip = [picture(40, 30, seed) for seed in range(3)]
    config = VideoConfig(fps=10.0, frames=3)
    got = VideoFrontend(config)(clip, [0.0, 0.1, 0.2])
    expected = np.concatenate([ImageFrontend(config.frame)(frame) for frame in clip])
    np.testing.assert_array_equal(got[0], expected)


@given(
    steps=st.lists(st.floats(0.01, 1.0), min_size=1, max_size=30),
    fps=st.floats(0.5, 20.0),
    frames=st.integers(1, 6),
)
def test_each_frame_of_a_stream_ends_the_clip_of_all_before_it(
    steps: list[float], fps: float, frames: int
) -> None:
    video = VideoFrontend(VideoConfig(frame=FRAME, fps=fps, frames=frames))
    stream = video.stream()
    times = np.cumsum(steps).tolist()
    clip = [np.full((5, 6, 3), i, np.uint8) for i in range(len(times))]
    for count in range(1, len(times) + 1):
        got = stream.push(clip[count - 1], times[count - 1])
        np.testing.assert_array_equal(got, video(clip[:count], times[:count]))
    stream.flush()
    again = stream.push(clip[0], times[-1] + 0.1)
    np.testing.assert_array_equal(again, video(clip[:1], [0.0]))


def test_a_frame_that_is_not_later_than_the_last_one_is_refused() -> None:
    stream = VideoFrontend(VideoConfig(frame=FRAME)).stream()
    stream.push(GOOD, 1.0)
    with pytest.raises(InputError, match="must be finite and rise"):
        stream.push(GOOD, 1.0)


GOOD = np.zeros((4, 4, 3), np.uint8)


@pytest.mark.parametrize(
    ("frames", "times", "why"),
    [
        ([], [], "no frames"),
        ([GOOD], [], "1 frames but 0 times"),
        ([GOOD, GOOD], [0.0], "2 frames but 1 times"),
        ([GOOD, GOOD], [1.0, 1.0], "finite and rise"),
        ([GOOD, GOOD], [1.0, 0.5], "finite and rise"),
        ([GOOD, GOOD], [0.0, float("nan")], "finite and rise"),
        ([GOOD, GOOD], [0.0, float("inf")], "finite and rise"),
        ([GOOD.astype(np.float32)], [0.0], "uint8 [height, width, 3]"),
        ([GOOD[..., 0]], [0.0], "uint8 [height, width, 3]"),
    ],
)
def test_what_is_no_clip_is_refused(frames: list, times: list[float], why: str) -> None:
    with pytest.raises(InputError) as caught:
        VideoFrontend()(frames, times)
    assert why in str(caught.value)

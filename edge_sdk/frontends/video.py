"""Clips in: pick frames at the stated rate, then the image front-end for each."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from .config import VideoConfig
from .image import ImageFrontend


class VideoFrontend:
    """From frames with time stamps to float32 ``[1, frames, 3, height, width]``."""

    def __init__(self, config: VideoConfig | None = None) -> None:
        self.config = config = config or VideoConfig()
        self._image = ImageFrontend(config.frame)

    def __call__(
        self, frames: Sequence[NDArray[np.uint8]], times: Sequence[float]
    ) -> NDArray[np.float32]:
        """Features of the clip that ends at the last frame.

        ``frames`` are uint8 RGB ``[h, w, 3]``; ``times`` their capture times in seconds, rising.
        For each wanted instant (``fps`` apart, the last one at the last frame) the frame nearest
        in time is taken, the earliest one standing in for instants before the clip began.

        Raises:
            InputError: no frames, a count of times that differs, or times that do not rise.
        """
        if len(frames) and len(times) != len(frames):
            raise InputError(f"The clip has {len(frames)} frames but {len(times)} times.")
        picked = nearest(times if len(frames) else (), self.config)
        # A frame that is wanted twice is computed once.
        cache: dict[int, NDArray[np.float32]] = {}
        for index in picked:
            if index not in cache:
                cache[index] = self._image(frames[index])[0]
        return np.stack([cache[index] for index in picked])[None]

    def stream(self) -> VideoStream:
        """A stream of frames, of which each ends a clip."""
        return VideoStream(self)


class VideoStream:
    """Clips along a stream: what :class:`VideoFrontend` makes of all frames so far.

    Each frame is computed once, and kept while a later clip may want it.
    """

    def __init__(self, video: VideoFrontend) -> None:
        self._config, self._image = video.config, video._image
        self._seconds = (video.config.frames - 1) / video.config.fps
        self._kept: deque[tuple[float, NDArray[np.float32]]] = deque()

    def push(self, frame: NDArray[np.uint8], time: float) -> NDArray[np.float32]:
        """Add a frame, uint8 RGB ``[h, w, 3]``, captured at ``time`` seconds.

        Returns:
            the features of the clip that ends with it, float32 ``[1, frames, 3, height, width]``.

        Raises:
            InputError: it is no picture, or not later than the frame before.
        """
        kept = self._kept
        times = [*(known for known, _ in kept), time]
        picked = nearest(times, self._config)
        kept.append((time, self._image(frame)[0]))
        clip = np.stack([kept[index][1] for index in picked])[None]
        # Of the frames before the first instant that is wanted only the last may still be nearest.
        while len(kept) > 1 and kept[1][0] <= time - self._seconds:
            kept.popleft()
        return clip

    def flush(self) -> None:
        """The next frame begins a new clip."""
        self._kept.clear()


def nearest(times: Sequence[float], config: VideoConfig) -> list[int]:
    """The index of the frame nearest to each instant that a clip of ``config`` wants.

    Raises:
        InputError: there are no times, or they do not rise.
    """
    if not len(times):
        raise InputError("The clip has no frames.")
    stamps = np.asarray(times, np.float64)
    if not np.isfinite(stamps).all() or (np.diff(stamps) <= 0).any():
        raise InputError("The times of the clip's frames must be finite and rise.")
    wanted = stamps[-1] - np.arange(config.frames - 1, -1, -1) / config.fps
    after = np.searchsorted(stamps, wanted).clip(0, len(stamps) - 1)
    before = (after - 1).clip(0)
    closer = np.abs(stamps[before] - wanted) <= np.abs(stamps[after] - wanted)
    return [int(index) for index in np.where(closer, before, after)]

"""Clips from files: a folder or zip of stills, an animated picture, or a video file.

Only the frames that the front-end takes are kept in memory, however long the clip is.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import BinaryIO, Protocol

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..files import is_file, is_folder
from .clip_film import Animation, Film
from .clip_stills import FolderStills, ZipStills
from .config import VideoConfig
from .video import nearest

Frames = list[NDArray[np.uint8]]
_ZIP = b"PK\x03\x04"


class Clip(Protocol):
    """A clip in one of its forms."""

    def times(self) -> list[float]:
        """When each frame was taken, in seconds."""
        ...

    def frames(self, wanted: Sequence[int]) -> Frames:
        """Those frames, uint8 RGB ``[h, w, 3]``; ``wanted`` are rising indices."""
        ...

    def close(self) -> None:
        """Close what it reads from."""
        ...


def read_clip(source: str | Path | BinaryIO, config: VideoConfig) -> tuple[Frames, list[float]]:
    """The frames of a clip that a front-end with ``config`` takes, and their times in seconds.

    ``source`` is one of

    - a folder, or a zip, of PNG or JPEG files and ``times.json``: a list with the time of each
      file in seconds, in the order of their names;
    - an animated GIF, WebP or PNG;
    - a video file (MP4 and what else OpenCV reads here), as a path.

    Raises:
        InputError: the clip is missing, damaged, of no such form, or its times do not rise.
        DependencyError: a video file, and OpenCV is not installed.
    """
    with closing(_open(source, config)) as clip:
        times = clip.times()
        wanted = sorted(set(nearest(times, config)))
        return clip.frames(wanted), [times[index] for index in wanted]


def _open(source: str | Path | BinaryIO, config: VideoConfig) -> Clip:
    background = config.frame.background
    if not isinstance(source, (str, Path)):
        name = "the clip"
        if source.read(len(_ZIP)) == _ZIP:
            return ZipStills(source, name, background)
        source.seek(0)
        return Animation(source, name, background)
    path = Path(source)
    if is_folder(path):
        return FolderStills(path, background)
    if not is_file(path):
        raise InputError(f"There is no clip at {path}.")
    try:
        with path.open("rb") as file:
            start = file.read(len(_ZIP))
    except OSError as error:
        raise InputError(f"The clip {path} cannot be read: {error.strerror}.") from error
    if start == _ZIP:
        return ZipStills(path, f"the clip {path}", background)
    if Animation.fits(path):
        return Animation(path, f"the clip {path}", background)
    return Film(path)

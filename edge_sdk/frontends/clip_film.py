"""Clips in one file: animated pictures through Pillow, video files through OpenCV."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from ..errors import DependencyError, InputError
from .clip_stills import TIMES
from .image import flatten, pillow

# What Pillow raises where a file is damaged.
_DAMAGED = (OSError, ValueError, SyntaxError, EOFError)


class Animation:
    """An animated GIF, WebP or PNG; a frame's time is the sum of the durations before it."""

    def __init__(
        self, source: Path | BinaryIO, name: str, background: tuple[int, int, int]
    ) -> None:
        self._name, self._background = name, background
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", pillow().DecompressionBombWarning)
                self._picture = pillow().open(source)
                animated = getattr(self._picture, "n_frames", 1) > 1
        except (*_DAMAGED, pillow().DecompressionBombError, Warning) as error:
            raise InputError(f"There is no clip to read in {name}: {error}.") from error
        if not animated:
            self._picture.close()
            raise InputError(
                f"What should be {name} is a still picture; a clip is a video file, an animated "
                f"picture, or a folder or zip of pictures with {TIMES}."
            )

    @staticmethod
    def fits(path: Path) -> bool:
        """Whether Pillow knows the format."""
        try:
            with pillow().open(path):
                return True
        except _DAMAGED:
            return False

    def times(self) -> list[float]:
        """When each frame begins, in seconds.

        Raises:
            InputError: a frame has no duration, or cannot be read.
        """
        times, now = [], 0.0
        for index in range(self._picture.n_frames):
            self._seek(index)
            duration = self._picture.info.get("duration", 0)
            if not duration > 0 and index + 1 < self._picture.n_frames:
                raise InputError(f"Frame {index} of {self._name} has no duration.")
            times.append(now / 1000)
            now += duration
        return times

    def frames(self, wanted: Sequence[int]) -> list[NDArray[np.uint8]]:
        """Those frames."""
        found = []
        for index in wanted:
            self._seek(index)
            try:
                found.append(np.asarray(flatten(self._picture, self._background)))
            except _DAMAGED as error:
                raise self._damaged(index) from error
        return found

    def close(self) -> None:
        """Close the file."""
        self._picture.close()

    def _seek(self, index: int) -> None:
        try:
            self._picture.seek(index)
            self._picture.load()
        except _DAMAGED as error:
            raise self._damaged(index) from error

    def _damaged(self, index: int) -> InputError:
        return InputError(f"Frame {index} of {self._name} is damaged or cut short.")


class Film:
    """A video file. It is decoded twice: for the times, and for the frames that are wanted."""

    def __init__(self, path: Path) -> None:
        try:
            import cv2
        except ImportError as error:
            raise DependencyError(
                f"Reading {path} as a video file needs OpenCV: pip install 'edge-sdk[camera]'."
            ) from error
        self._cv2, self._path = cv2, path

    def times(self) -> list[float]:
        """The time stamp of each frame, in seconds.

        Raises:
            InputError: OpenCV cannot decode the file.
        """
        times = [film.get(self._cv2.CAP_PROP_POS_MSEC) / 1000 for film in self._grabbed()]
        if not times:
            raise InputError(
                f"The clip {self._path} cannot be read: it is damaged, or in a format that "
                "OpenCV here does not decode. Give an MP4 file, an animated picture, or a "
                f"folder or zip of pictures with {TIMES}."
            )
        return times

    def frames(self, wanted: Sequence[int]) -> list[NDArray[np.uint8]]:
        """Those frames."""
        found, left = [], set(wanted)
        for index, film in enumerate(self._grabbed()):
            if index in left:
                good, frame = film.retrieve()
                if not good:
                    break
                found.append(np.ascontiguousarray(frame[:, :, ::-1]))
                if len(found) == len(left):
                    return found
        raise InputError(f"Frame {wanted[len(found)]} of the clip {self._path} is damaged.")

    def close(self) -> None:
        """Nothing is open between two passes."""

    def _grabbed(self) -> Iterator[Any]:
        film = self._cv2.VideoCapture(str(self._path))
        try:
            while film.grab():
                yield film
        finally:
            film.release()

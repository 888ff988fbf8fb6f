"""The pictures of a video file or a folder, one after the other."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from edge_sdk.errors import CaptureError, InputError
from edge_sdk.frontends.image import read_picture

from .opencv import import_cv2

_SUFFIXES = {".png", ".jpg", ".jpeg"}
#: Frames a second of a folder.
_FOLDER_FPS = 15.0


class Pictures(Protocol):
    """A sequence that is gone through once."""

    fps: float

    def grab(self) -> bool:
        """Go on to the next picture; False where there is none."""
        ...

    def retrieve(self) -> NDArray[np.uint8]:
        """Decode the picture grabbed last: RGB, uint8 ``[height, width, 3]``.

        Raises:
            InputError: it is broken.
        """
        ...

    def close(self) -> None: ...


def open_pictures(path: Path) -> Pictures:
    """The pictures of a video file or a folder.

    Raises:
        CaptureError: there is no such thing, or nothing to see in it.
        DependencyError: a video file, and OpenCV is not installed.
    """
    if path.is_dir():
        return FolderPictures(path)
    if not path.is_file():
        raise CaptureError(f"There is no video file or folder of pictures at {path}.")
    return VideoPictures(path)


class FolderPictures:
    """PNG and JPEG files in the order of their names."""

    def __init__(self, folder: Path) -> None:
        self.fps = _FOLDER_FPS
        self._paths = sorted(p for p in folder.iterdir() if p.suffix.lower() in _SUFFIXES)
        self._next = 0
        if not self._paths:
            raise CaptureError(f"The folder {folder} holds no PNG or JPEG pictures.")

    def grab(self) -> bool:
        self._next += 1
        return self._next <= len(self._paths)

    def retrieve(self) -> NDArray[np.uint8]:
        return read_picture(self._paths[min(self._next, len(self._paths)) - 1])

    def close(self) -> None:
        self._paths = []


class VideoPictures:
    """A file that OpenCV reads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._cv2 = cv2 = import_cv2()
        self._capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
        # Some files open, and give nothing: animated pictures, for one.
        self._ahead = self._capture.isOpened() and bool(self._capture.grab())
        if not self._ahead:
            self._capture.release()
            raise CaptureError(f"{path} holds no video that OpenCV reads.")
        fps = float(self._capture.get(cv2.CAP_PROP_FPS))
        self.fps = fps if 0 < fps < 1000 else 25.0

    def grab(self) -> bool:
        if self._ahead:
            self._ahead = False
            return True
        return bool(self._capture.grab())

    def retrieve(self) -> NDArray[np.uint8]:
        whole, image = self._capture.retrieve()
        if not whole or image is None or image.size == 0:
            raise InputError(f"A frame of {self._path} is broken.")
        return np.asarray(self._cv2.cvtColor(image, self._cv2.COLOR_BGR2RGB), np.uint8)

    def close(self) -> None:
        self._capture.release()

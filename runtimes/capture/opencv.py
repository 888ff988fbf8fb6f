"""The driver for cameras that OpenCV reads: V4L2, network streams, GStreamer pipelines, files."""

from __future__ import annotations

import os
import sys
import time
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from edge_sdk.errors import CaptureError, DependencyError

from .protocol import StreamEnded

Kind = Literal["v4l2", "network", "gstreamer", "file"]
#: A grab that fails within so many seconds did not wait for a frame.
_AT_ONCE = 0.005
#: So many such failures in a row are the end of the stream.
_FAILURES = 5
#: Seconds that a network camera has to answer, at least.
OPENING = 5.0


def import_cv2() -> Any:
    """OpenCV; raises :class:`DependencyError` with the command that installs it."""
    # What goes wrong is told by events; OpenCV and FFmpeg would write about it too.
    os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    try:
        import cv2
    except ImportError as error:
        raise DependencyError(
            "Cameras need the package OpenCV, which is not here: "
            f"pip install 'edge-sdk[camera]' ({error})."
        ) from error
    # A frame is converted in a fifth of a millisecond; a pool of threads that wake for it, and
    # spin, cost more. Of the whole process, as OpenCV has it.
    cv2.setNumThreads(1)
    return cv2


class OpenCvCamera:
    """One camera, stream or file; a frame that takes longer than ``patience`` seconds is a loss."""

    def __init__(
        self, address: str, kind: Kind, size: tuple[int, int] | None, patience: float
    ) -> None:
        self.name = f"camera {address}"
        self._address = address
        self._kind = kind
        self._size = size
        self._patience = patience
        self._opening = max(OPENING, patience)
        self._capture: Any = None
        self._due = 0.0
        self._period = 0.0

    def open(self) -> None:
        self._cv2 = cv2 = import_cv2()
        capture = self._start(cv2)
        if not capture.isOpened():
            capture.release()
            raise CaptureError(f"The {self.name} cannot be opened{self._why()}.")
        self._capture = capture
        if self._kind == "file":
            fps = capture.get(cv2.CAP_PROP_FPS)
            self._period = 1.0 / fps if 0 < fps < 1000 else 1.0 / 25
            self._due = time.monotonic()
        elif self._size is not None:
            capture.set(cv2.CAP_PROP_FRAME_WIDTH, self._size[0])
            capture.set(cv2.CAP_PROP_FRAME_HEIGHT, self._size[1])

    def grab(self) -> float | None:
        if self._kind == "file":
            # A file has no pace of its own.
            time.sleep(max(0.0, self._due - time.monotonic()))
            self._due += self._period
        for _ in range(_FAILURES):
            started = time.monotonic()
            if self._capture.grab():
                return self._stamp()
            if self._kind == "file":
                raise StreamEnded(f"The {self.name} is over.")
            waited = time.monotonic() - started
            if waited > 0.9 * self._patience:
                raise CaptureError(f"no frame came for {waited:.1f} s")
            if waited > _AT_ONCE:
                return None
        raise CaptureError("the connection has ended")

    def retrieve(self) -> NDArray[np.uint8] | None:
        whole, image = self._capture.retrieve()
        if not whole or image is None or image.size == 0:
            return None
        code = self._cv2.COLOR_GRAY2RGB if image.ndim == 2 else self._cv2.COLOR_BGR2RGB
        return np.asarray(self._cv2.cvtColor(image, code), np.uint8)

    def close(self) -> None:
        capture, self._capture = self._capture, None
        if capture is not None:
            capture.release()

    def _start(self, cv2: Any) -> Any:
        if self._kind == "gstreamer":
            if not has_gstreamer():
                raise DependencyError(
                    "Pipelines need GStreamer's tools, as an OpenCV from pip is built without "
                    "GStreamer: sudo apt-get install gstreamer1.0-tools gstreamer1.0-plugins-good."
                )
            return cv2.VideoCapture(self._address, cv2.CAP_GSTREAMER)
        if self._kind == "v4l2":
            address = int(self._address) if self._address.isdecimal() else self._address
            backend = cv2.CAP_V4L2 if sys.platform == "linux" else cv2.CAP_ANY
            return cv2.VideoCapture(address, backend)
        opening, reading = round(self._opening * 1e3), round(self._patience * 1e3)
        limits = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, opening, cv2.CAP_PROP_READ_TIMEOUT_MSEC, reading]
        # Every further thread of a decoder holds one frame back.
        limits += [cv2.CAP_PROP_N_THREADS, 1]
        return cv2.VideoCapture(self._address, cv2.CAP_FFMPEG, limits)

    def _stamp(self) -> float:
        now = time.monotonic()
        if self._kind == "v4l2":
            # V4L2 stamps a frame itself when its exposure ends, on the monotonic clock.
            captured = float(self._capture.get(self._cv2.CAP_PROP_POS_MSEC)) / 1e3
            if 0.0 <= now - captured < 1.0:
                return captured
        return now

    def _why(self) -> str:
        if self._kind == "v4l2":
            there = ", ".join(str(path) for path in video_devices())
            return f"; this machine has {there or 'no video device'}"
        if self._kind == "network":
            return f": nothing answered with a video within {self._opening:g} s"
        return ": it holds no video that OpenCV reads"


def has_gstreamer() -> bool:
    """Whether there is an OpenCV that is built with GStreamer."""
    try:
        lines = import_cv2().getBuildInformation().splitlines()
    except DependencyError:
        return False
    return any("GStreamer" in line and "YES" in line for line in lines)


def video_devices() -> list[str]:
    """The kernel's video devices, such as ``/dev/video0``."""
    from pathlib import Path

    found = Path("/dev").glob("video[0-9]*")
    return [str(path) for path in sorted(found, key=lambda path: int(path.name[5:] or 0))]

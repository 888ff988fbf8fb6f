"""What a camera's driver is, and how an address finds one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from edge_sdk.errors import CaptureError


class CameraDevice(Protocol):
    """A driver for one camera; used by one thread at a time."""

    name: str

    def open(self) -> None:
        """Begin to capture.

        Raises:
            CaptureError: there is no such camera, or it refuses.
            DependencyError: the package behind it is not installed.
        """
        ...

    def grab(self) -> float | None:
        """Wait for the next frame and keep it undecoded, where the camera allows that.

        Its time in seconds on the machine's monotonic clock; None where it cannot be decoded.

        Raises:
            CaptureError: no frame will come any more.
            StreamEnded: a recording is over.
        """
        ...

    def retrieve(self) -> NDArray[np.uint8] | None:
        """The frame grabbed last, RGB, uint8 ``[height, width, 3]``; None where it is broken."""
        ...

    def close(self) -> None:
        """Release the camera; may be called twice."""
        ...


def find_driver(camera: str | int, size: tuple[int, int] | None, patience: float) -> CameraDevice:
    """The driver for a camera's number or address; see :class:`~.camera.Camera`."""
    from .opencv import OPENING, OpenCvCamera, has_gstreamer

    address = str(camera)
    if address.isdecimal() or address.startswith("/dev/"):
        return OpenCvCamera(address, "v4l2", size, patience)
    if address.startswith("picamera2"):
        from .picamera import PiCamera

        number = address.partition(":")[2] or "0"
        if not number.isdecimal():
            raise CaptureError(f"A Raspberry Pi camera is picamera2:NUMBER, not {address}.")
        return PiCamera(int(number), size)
    if address.startswith("gst:") or " ! " in address:
        from .gst_launch import GstLaunchCamera, has_gst_launch

        pipeline = address.removeprefix("gst:")
        if has_gst_launch() and not has_gstreamer():
            return GstLaunchCamera(pipeline, patience, max(OPENING, patience))
        return OpenCvCamera(pipeline, "gstreamer", size, patience)
    if re.match(r"[a-z]+://", address):
        return OpenCvCamera(address, "network", size, patience)
    if Path(address).is_file():
        return OpenCvCamera(address, "file", size, patience)
    raise CaptureError(
        f"There is no camera {address!r}: give a number, a file, an http:// or rtsp:// address, "
        "picamera2:NUMBER, or a GStreamer pipeline that begins with gst:."
    )

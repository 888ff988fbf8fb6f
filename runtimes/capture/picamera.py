"""The driver for a Raspberry Pi's own camera: picamera2, which comes with its system."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_sdk.errors import CaptureError, DependencyError

#: Width and height where none are asked for.
_SIZE = (640, 480)


class PiCamera:
    """One camera on the board's ribbon connector."""

    def __init__(self, number: int, size: tuple[int, int] | None) -> None:
        self.name = f"camera picamera2:{number}"
        self._number = number
        self._size = size or _SIZE
        self._camera: Any = None
        self._request: Any = None

    def open(self) -> None:
        try:
            from picamera2 import Picamera2
        except ImportError as error:
            raise DependencyError(
                "A Raspberry Pi camera needs picamera2: sudo apt-get install python3-picamera2, "
                f"and a virtual environment with --system-site-packages ({error})."
            ) from error
        try:
            camera = Picamera2(self._number)
            # libcamera names formats from the last byte: this one is R, G, B in memory.
            main = {"format": "BGR888", "size": self._size}
            camera.configure(camera.create_video_configuration(main=main))
            camera.start()
        except (RuntimeError, IndexError, OSError) as error:
            raise CaptureError(f"The {self.name} cannot be opened: {error}.") from error
        self._camera = camera

    def grab(self) -> float | None:
        self._let_go()
        try:
            self._request = self._camera.capture_request()
        except (RuntimeError, OSError) as error:
            raise CaptureError(f"the camera stopped: {error}") from error
        stamp = self._request.get_metadata().get("SensorTimestamp")
        now = time.monotonic()
        if stamp is None:
            return now
        # The sensor's stamps count from boot; the monotonic clock stands still in suspend.
        return now - max(0.0, time.clock_gettime(time.CLOCK_BOOTTIME) - float(stamp) * 1e-9)

    def retrieve(self) -> NDArray[np.uint8] | None:
        return np.asarray(self._request.make_array("main"), np.uint8)

    def close(self) -> None:
        self._let_go()
        camera, self._camera = self._camera, None
        if camera is not None:
            camera.stop()
            camera.close()

    def _let_go(self) -> None:
        """Give the buffer back: the camera has few."""
        request, self._request = self._request, None
        if request is not None:
            request.release()

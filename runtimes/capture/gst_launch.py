"""The driver for GStreamer pipelines where OpenCV has none: ``gst-launch-1.0`` and a pipe."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import select
import shlex
import shutil
import subprocess
import time
from typing import IO

import numpy as np
from numpy.typing import NDArray

from edge_sdk.errors import CaptureError

_PROGRAM = "gst-launch-1.0"
#: The element whose negotiated caps tell the size of the pictures.
_NAME = "edge_sdk_rgb"
_SIZE = re.compile(rf"{_NAME}.*caps = video/x-raw.*width=\(int\)(\d+).*height=\(int\)(\d+)")
_SINK = re.compile(r"!\s*appsink\b([^!]*)$")
#: Seconds that the program may take before it says a word: the first time on a machine, and after
#: an update, it looks through all plugins that are installed, from an SD card for half a minute.
_WAKING = 60.0
#: Seconds that a pipeline has to end by itself.
_ENDING = 2.0
#: Bytes of the pipe, where the system allows as much: fewer wake-ups a frame.
_PIPE = 1 << 20


def has_gst_launch() -> bool:
    """Whether the program is here."""
    return shutil.which(_PROGRAM) is not None


class GstLaunchCamera:
    """A pipeline in a process of its own, whose frames come as raw RGB through a pipe.

    The pipeline is given as for OpenCV, with ``appsink`` at its end or without; of the properties
    of ``appsink`` only ``sync`` counts. Frames that nobody reads are dropped in the pipeline.

    Args:
        pipeline: as ``gst-launch-1.0`` takes it.
        patience: seconds that a frame may take.
        opening: seconds that the pipeline has to begin, once the program has loaded its plugins.
    """

    def __init__(self, pipeline: str, patience: float, opening: float) -> None:
        self.name = f"camera {pipeline}"
        self._pipeline, self._patience, self._opening = pipeline, patience, opening
        self._process: subprocess.Popen[bytes] | None = None
        self._frames = -1
        self._said = b""
        self._size: tuple[int, int] | None = None
        self._buffer = bytearray()

    def open(self) -> None:
        sink = _SINK.search(self._pipeline)
        source = self._pipeline[: sink.start()] if sink else self._pipeline
        sync = re.search(r"\bsync\s*=\s*(\w+)", sink.group(1)) if sink else None
        self._frames, writing = os.pipe()
        _widen(self._frames)
        tail = (
            "! queue leaky=downstream max-size-buffers=1 max-size-bytes=0 max-size-time=0 "
            f"! videoconvert ! capsfilter name={_NAME} caps=video/x-raw,format=RGB "
            f"! fdsink fd={writing} sync={sync.group(1) if sync else 'true'}"
        )
        try:
            words = [_PROGRAM, "-v", *shlex.split(source), *tail.split()]
            self._process = subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=(writing,),
                # Ctrl-C ends the stream, and the stream ends the pipeline.
                start_new_session=True,
                env={**os.environ, "GST_DEBUG_NO_COLOR": "1", "LC_ALL": "C"},
            )
        except (OSError, ValueError) as error:
            self.close()
            raise CaptureError(f"The {self.name} cannot be started: {error}.") from error
        finally:
            os.close(writing)
        self._said, self._size = b"", None
        allowed = max(_WAKING, self._opening)
        awake = self._listen(allowed)
        if awake:
            allowed = self._opening
        deadline = time.monotonic() + allowed
        while self._size is None:
            left = deadline - time.monotonic()
            if not awake or left <= 0 or not self._listen(left):
                why = self._why() or f"it gave no picture within {allowed:g} s"
                self.close()
                raise CaptureError(f"The {self.name} cannot be opened: {why}.")

    def grab(self) -> float | None:
        assert self._size is not None
        width, height = self._size
        # Rows are padded to whole words.
        wanted = height * -(-3 * width // 4) * 4
        if len(self._buffer) != wanted:
            self._buffer = bytearray(wanted)
        view, done = memoryview(self._buffer), 0
        deadline = time.monotonic() + self._patience
        while done < wanted:
            left = deadline - time.monotonic()
            ready, _, _ = select.select([self._frames], [], [], max(0.0, left))
            if not ready:
                raise CaptureError(f"no frame came for {self._patience:.1f} s")
            count = os.readv(self._frames, [view[done:]])
            if not count:
                while self._listen(_ENDING):
                    pass
                raise CaptureError(self._why() or "the pipeline has ended")
            done += count
        self._listen(0.0)
        if self._size != (width, height):
            raise CaptureError("its pictures have changed their size")
        return time.monotonic()

    def retrieve(self) -> NDArray[np.uint8] | None:
        if self._size is None:
            return None
        width, height = self._size
        rows = np.frombuffer(self._buffer, np.uint8).reshape(height, -1)[:, : 3 * width]
        return np.array(rows.reshape(height, width, 3))

    def close(self) -> None:
        process, self._process = self._process, None
        frames, self._frames = self._frames, -1
        if frames >= 0:
            os.close(frames)
        if process is None:
            return
        process.terminate()
        try:
            process.wait(_ENDING)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        _output(process).close()

    def _listen(self, patience: float) -> bool:
        """Read what the pipeline says, for at most so long; whether it still may say something."""
        assert self._process is not None
        output = _output(self._process)
        ready, _, _ = select.select([output], [], [], max(0.0, patience))
        if not ready:
            return False
        said = os.read(output.fileno(), 1 << 16)
        self._said = (self._said + said)[-(1 << 16) :]
        for line in self._said.decode(errors="replace").splitlines():
            found = _SIZE.search(line)
            if found is not None:
                self._size = int(found.group(1)), int(found.group(2))
        return bool(said)

    def _why(self) -> str:
        """The first complaint of the pipeline."""
        for line in self._said.decode(errors="replace").splitlines():
            complaint = re.search(r"(?:ERROR: .*?: |erroneous pipeline: )(.+)", line)
            if complaint is not None:
                return complaint.group(1).strip().rstrip(".")
        return ""


def _output(process: subprocess.Popen[bytes]) -> IO[bytes]:
    assert process.stdout is not None
    return process.stdout


def _widen(pipe: int) -> None:
    # Beyond the system's limit for this user; it works with less, too.
    with contextlib.suppress(OSError):
        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE)

"""A loudspeaker on PortAudio."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import soxr

from edge_sdk.errors import DeviceError

from ..capture import Clock, MonotonicClock
from ..speech import Speech
from ..speech.packages import require

_INSTALL = "pip install 'edge-sdk[audio]'"
# Seconds in one buffer: how long a cut takes to be heard, beside the device's own latency.
_BUFFER = 0.02


class Loudspeaker:
    """Plays on an output of PortAudio; the callback mixes no more than it must.

    Args:
        device: ``default``, an index, or a part of a device's name.
        volume: from 0 to 100.
        clock: what :attr:`began` is stamped on.

    Raises:
        DependencyError: PyAudio is not installed.
        DeviceError: there is no such device, or it cannot be opened.
    """

    def __init__(
        self, device: str = "default", volume: int = 70, clock: Clock | None = None
    ) -> None:
        self.volume = volume
        self._clock = clock or MonotonicClock()
        self._package: Any = require("pyaudio", _INSTALL)
        self._audio = self._package.PyAudio()
        self._lock = threading.Lock()
        self._samples = np.zeros(0, np.float32)
        self._next = 0
        self._began: float | None = None
        self._closed = False
        try:
            index = _find(self._audio, device)
            info = (
                self._audio.get_default_output_device_info()
                if index is None
                else self._audio.get_device_info_by_index(index)
            )
            self._rate = int(info["defaultSampleRate"])
            self._stream = self._audio.open(
                format=self._package.paFloat32,
                channels=1,
                rate=self._rate,
                output=True,
                output_device_index=index,
                frames_per_buffer=round(_BUFFER * self._rate),
                stream_callback=self._callback,
            )
        except OSError as error:
            self._audio.terminate()
            raise DeviceError(f"The speaker {device} cannot be opened: {error}.") from error

    @property
    def playing(self) -> bool:
        with self._lock:
            return self._next < len(self._samples)

    @property
    def began(self) -> float | None:
        return self._began

    def play(self, speech: Speech) -> None:
        samples = speech.samples
        if speech.rate != self._rate:
            samples = soxr.resample(samples, speech.rate, self._rate).astype(np.float32)
        if not self._stream.is_active():
            raise DeviceError("The speaker has gone; plug it in and start again.")
        with self._lock:
            self._samples, self._next, self._began = samples, 0, None

    def stop(self) -> None:
        with self._lock:
            self._samples, self._next = np.zeros(0, np.float32), 0

    def close(self) -> None:
        self.stop()
        if not self._closed:
            self._closed = True
            self._stream.close()
            self._audio.terminate()

    def _callback(self, _given: Any, count: int, _times: Any, _status: int) -> tuple[bytes, int]:
        with self._lock:
            block = self._samples[self._next : self._next + count]
            if len(block) and self._began is None:
                self._began = self._clock.now()
            self._next += len(block)
        out = np.zeros(count, np.float32)
        # Loudness is heard as a power of the amplitude: the square is a usual volume curve.
        out[: len(block)] = block * np.float32((self.volume / 100) ** 2)
        return out.tobytes(), self._package.paContinue


def _find(audio: Any, device: str) -> int | None:
    """The index of an output device; None for the default."""
    if device == "default":
        return None
    outputs = {}
    for index in range(audio.get_device_count()):
        info = audio.get_device_info_by_index(index)
        if info["maxOutputChannels"] > 0:
            outputs[index] = str(info["name"])
    if device.isdecimal() and int(device) in outputs:
        return int(device)
    for index, name in outputs.items():
        if device.lower() in name.lower():
            return index
    known = ", ".join(f"{index} {name!r}" for index, name in outputs.items()) or "none"
    raise DeviceError(f"There is no speaker {device!r}; here: {known}.")

"""A loudspeaker on PortAudio."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import soxr

from edge_sdk.errors import DeviceError

from ..capture import Clock, MonotonicClock
from ..capture.portaudio import PORTAUDIO, import_pyaudio, quiet_stderr
from ..speech import Speech
from ..speech.protocol import Samples
from .played import Played
from .speaker import gain

# Seconds in one buffer: how long a cut takes to be heard, beside the device's own latency.
_BUFFER = 0.04
# Seconds by which a hole that counts is longer than the device's own times are exact.
_HOLE = 0.03


class Loudspeaker:
    """Plays on an output of PortAudio, which is open only while there is something to play.

    Args:
        device: ``default``, an index, a part of a device's name, or ``pulse:NAME`` for a sink of
            the sound server.
        volume: from 0 to 100.
        clock: what :attr:`began` is stamped on.

    Raises:
        DependencyError: PyAudio is not installed.
        DeviceError: there is no such device.
    """

    def __init__(
        self, device: str = "default", volume: int = 70, clock: Clock | None = None
    ) -> None:
        self.volume = volume
        self._device = device
        self._clock = clock or MonotonicClock()
        self._lock = threading.Lock()
        self._samples = np.zeros(0, np.float32)
        self._next = 0
        self._began: float | None = None
        # By how much what was played is late, where the device ran dry, and when that was.
        self._late = 0.0
        self._holes: list[tuple[float, float]] = []
        self._broke: float | None = None
        self._played = Played()
        # What has been handed over, and whether it has begun to be played.
        self._told: Speech | None = None
        self._stream: Any = None
        self._pyaudio = import_pyaudio()
        self._audio: Any = None
        self._look()

    @property
    def playing(self) -> bool:
        with self._lock:
            left = self._next < len(self._samples)
        stream = self._stream
        return left and stream is not None and bool(stream.is_active())

    @property
    def began(self) -> float | None:
        return self._began

    @property
    def broke(self) -> float | None:
        return self._broke

    def play(self, speech: Speech) -> None:
        if self._audio is None:
            self._look()
        samples = speech.samples
        if speech.rate != self._rate:
            samples = soxr.resample(samples, speech.rate, self._rate).astype(np.float32)
        # The device holds one buffer when the last sample is handed over: it must not be cut.
        tail = np.zeros(round(2 * _BUFFER * self._rate), np.float32)
        self.stop()
        self._samples, self._next, self._began = np.concatenate([samples, tail]), 0, None
        self._told, self._late = speech, 0.0
        with PORTAUDIO, quiet_stderr(), _pulse_sink(self._sink):
            try:
                self._stream = self._audio.open(
                    format=self._pyaudio.paFloat32,
                    channels=1,
                    rate=self._rate,
                    output=True,
                    output_device_index=self._index,
                    frames_per_buffer=round(_BUFFER * self._rate),
                    stream_callback=self._callback,
                )
            except OSError as error:
                refused = DeviceError(f"The speaker {self._device} cannot be opened: {error}.")
            else:
                return
        # It may have been plugged in again, as another one.
        self.release()
        raise refused

    def played(self, start: float, count: int) -> Samples | None:
        self._note()
        return self._played.between(start, count)

    def stop(self) -> None:
        self._note()
        self._played.cut(self._clock.now())
        with self._lock:
            self._samples, self._next = np.zeros(0, np.float32), 0
        stream, self._stream = self._stream, None
        if stream is not None:
            with PORTAUDIO, contextlib.suppress(OSError):
                stream.close()

    def _note(self) -> None:
        """Note what has begun to be played."""
        if self._told is not None and self._began is not None:
            self._played.begin(self._began, self._told, gain(self.volume))
            self._told = None
        with self._lock:
            holes, self._holes = self._holes, []
        for time, seconds in holes:
            self._played.hole(time, seconds)

    def _look(self) -> None:
        """Find the device among those that are there now."""
        with PORTAUDIO, quiet_stderr():
            audio: Any = self._pyaudio.PyAudio()
            try:
                self._index, self._sink = _find(audio, self._device)
                info = audio.get_device_info_by_index(self._index)
            except BaseException:
                audio.terminate()
                raise
        self._audio, self._rate = audio, int(info["defaultSampleRate"])

    def release(self) -> None:
        """Let the device go until there is something to play.

        PortAudio lists devices anew only when nobody in the process uses it: a microphone that was
        unplugged is not found again before.
        """
        self.stop()
        audio, self._audio = self._audio, None
        if audio is not None:
            with PORTAUDIO:
                audio.terminate()

    def close(self) -> None:
        self.release()

    def _callback(self, _given: Any, count: int, _times: Any, _status: int) -> tuple[bytes, int]:
        with self._lock:
            block = self._samples[self._next : self._next + count]
            if len(block):
                self._stamp(self._clock.now())
            self._next += len(block)
            done = self._next >= len(self._samples)
        out = np.zeros(count, np.float32)
        out[: len(block)] = block * np.float32(gain(self.volume))
        end = self._pyaudio.paComplete if done else self._pyaudio.paContinue
        return out.tobytes(), end

    def _stamp(self, now: float) -> None:
        """Note when the next sample goes: after the one before it has sounded, there was a hole.

        The driver's own flag does not say how long it was, and a sound server raises none.
        """
        if self._began is None:
            self._began = now
        # The first one sounds when a buffer is full.
        due = self._began + self._late + self._next / self._rate + _BUFFER
        if now > due + _HOLE:
            self._holes.append((due - _BUFFER, now - due))
            self._late += now - due
            self._broke = now


def _find(audio: Any, device: str) -> tuple[int, str | None]:
    """The index of an output device, and the sink to ask the sound server for."""
    outputs: dict[int, str] = {}
    for index in range(audio.get_device_count()):
        info = audio.get_device_info_by_index(index)
        if info["maxOutputChannels"] > 0:
            outputs[index] = str(info["name"])
    if device == "default" and outputs:
        return int(audio.get_default_output_device_info()["index"]), None
    if device.isdecimal() and int(device) in outputs:
        return int(device), None
    kind, _, sink = device.partition(":")
    wanted = "pulse" if kind == "pulse" and sink else device
    for index, name in outputs.items():
        if wanted == name or (not sink and wanted.lower() in name.lower()):
            return index, sink or None
    known = ", ".join(f"{index} {name!r}" for index, name in outputs.items()) or "none"
    raise DeviceError(f"There is no speaker {device!r}; here: {known}.")


@contextlib.contextmanager
def _pulse_sink(name: str | None) -> Iterator[None]:
    """libpulse takes its sink from the environment; ALSA has no other way to name one."""
    kept = os.environ.get("PULSE_SINK")
    if name is not None:
        os.environ["PULSE_SINK"] = name
    try:
        yield
    finally:
        if name is not None:
            os.environ.pop("PULSE_SINK")
            if kept is not None:
                os.environ["PULSE_SINK"] = kept

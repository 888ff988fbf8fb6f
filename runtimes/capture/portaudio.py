"""The driver for real microphones: PyAudio, by callback."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Iterator
from typing import Any

from edge_sdk.errors import CaptureError, DependencyError

from .clock import Clock, MonotonicClock
from .input_device import Deliver, InputFormat, Wanted
from .ring import Signal
from .sample_format import SAMPLE_FORMATS, SampleFormat

#: PortAudio may not be entered by two threads at once.
PORTAUDIO = threading.Lock()
_INSTALL = "sudo apt-get install portaudio19-dev && pip install 'edge-sdk[audio]'"
#: Rates that hardware has, tried where it has not the one wanted.
_COMMON_RATES = (48000, 44100, 32000, 16000, 8000)
#: An age of a first sample above this is an error of the driver's clock.
_OLDEST = 60.0


def import_pyaudio() -> Any:
    """PyAudio; raises :class:`DependencyError` with the command that installs it."""
    try:
        import pyaudio
    except ImportError as error:
        raise DependencyError(
            f"Microphones need the package PyAudio, which is not here: {_INSTALL} ({error})."
        ) from error
    return pyaudio


@contextlib.contextmanager
def portaudio() -> Iterator[Any]:
    """A fresh PyAudio, for a short time and one thread; sees what is plugged in now."""
    pyaudio = import_pyaudio()
    with PORTAUDIO, quiet_stderr():
        audio = pyaudio.PyAudio()
        try:
            yield audio
        finally:
            audio.terminate()


class PortAudioInput:
    """One microphone of PortAudio's: its number, a part of its name, or a name with a prefix.

    ``default`` is the machine's; ``pulse:NAME`` a source of the sound server (PulseAudio, or
    PipeWire standing for it); ``alsa:NAME`` a device as ALSA writes it, such as ``alsa:hw:1,0``.
    """

    slow = True

    def __init__(self, device: str | int = "default") -> None:
        self.device = device
        self.name = f"microphone {device}"
        self.clock: Clock = MonotonicClock()
        self._signal = Signal()
        self._audio: Any = None
        self._stream: Any = None

    def open(self, wanted: Wanted, deliver: Deliver) -> InputFormat:
        pyaudio = import_pyaudio()
        with PORTAUDIO, quiet_stderr():
            # A new one each time: PortAudio lists devices only when it starts.
            audio = pyaudio.PyAudio()
            try:
                index, source = _find(audio, self.device)
                with _pulse_source(source):
                    form = _negotiate(audio, pyaudio, index, wanted, self.name)
                    self._stream = audio.open(
                        rate=form.rate,
                        channels=form.channels,
                        format=_constant(pyaudio, form.samples),
                        input=True,
                        input_device_index=index,
                        frames_per_buffer=max(1, round(wanted.seconds * form.rate)),
                        stream_callback=_callback(form.rate, deliver, self._signal, self.clock),
                    )
            except OSError as error:
                audio.terminate()
                raise CaptureError(
                    f"The {self.name} cannot be opened: {_reason(error)}. "
                    "'edge-sdk devices' lists what there is."
                ) from error
            except BaseException:
                audio.terminate()
                raise
            self._audio = audio
        return form

    def active(self) -> bool:
        stream = self._stream
        try:
            return stream is not None and bool(stream.is_active())
        except OSError:
            return False

    def wait(self, seconds: float) -> None:
        self._signal.wait(seconds)

    def close(self) -> None:
        with PORTAUDIO:
            stream, self._stream = self._stream, None
            audio, self._audio = self._audio, None
            with contextlib.suppress(OSError):
                if stream is not None:
                    stream.close()
            if audio is not None:
                audio.terminate()


def _callback(rate: int, deliver: Deliver, signal: Signal, clock: Clock) -> Any:
    now = clock.now
    # What PyAudio calls paInputOverflow and paContinue.
    overflow, go_on = 2, 0

    def callback(data: bytes, frames: int, when: Any, flags: int) -> tuple[None, int]:
        # PortAudio's clock may be the one that people set: only its difference is used.
        age = when["current_time"] - when["input_buffer_adc_time"]
        shortest = frames / rate
        if not shortest <= age < _OLDEST:
            age = shortest
        deliver(data, frames, now() - age, bool(flags & overflow))
        signal.set()
        return None, go_on

    return callback


def _find(audio: Any, device: str | int) -> tuple[int, str | None]:
    """The number of a device, and the source to ask the sound server for."""
    devices = [audio.get_device_info_by_index(i) for i in range(audio.get_device_count())]
    inputs = {int(d["index"]): str(d["name"]) for d in devices if d["maxInputChannels"] > 0}
    if isinstance(device, str) and device.isdecimal():
        device = int(device)
    if isinstance(device, int):
        if device in inputs:
            return device, None
        raise _missing(device, inputs)
    if device == "default":
        if not inputs:
            raise _missing(device, inputs)
        return int(audio.get_default_input_device_info()["index"]), None
    kind, _, name = device.partition(":")
    if kind == "pulse" and name:
        for index, label in inputs.items():
            if label == "pulse":
                return index, name
        raise CaptureError(
            f"There is no microphone {device}: ALSA has no way to a sound server here; "
            "sudo apt-get install libasound2-plugins, and start one for this user."
        )
    wanted = name if kind == "alsa" and name else device
    exact = [i for i, label in inputs.items() if label == wanted or f"({wanted})" in label]
    partly = [i for i, label in inputs.items() if wanted.lower() in label.lower()]
    found = exact or partly
    if not found:
        raise _missing(device, inputs)
    if len(found) > 1:
        names = "; ".join(f"{i}: {inputs[i]}" for i in found)
        raise CaptureError(f"Several microphones are called {device!r}: {names}. Give the number.")
    return found[0], None


def _missing(device: str | int, inputs: dict[int, str]) -> CaptureError:
    there = "; ".join(f"{index}: {name}" for index, name in inputs.items())
    held = ""
    if "sounddevice" in sys.modules:
        # Whoever starts PortAudio first in a process makes its list, and keeps it.
        held = " The package sounddevice, imported earlier, holds an older list: import it later."
    return CaptureError(
        f"There is no microphone {device!r}; there is {there or 'none at all'}.{held}"
    )


def _negotiate(audio: Any, pyaudio: Any, index: int, wanted: Wanted, name: str) -> InputFormat:
    """The first format that the device takes, nearest to what is wanted."""
    info = audio.get_device_info_by_index(index)
    most = int(info["maxInputChannels"])
    if wanted.channels > most:
        raise CaptureError(f"The {name} has {most} channels, not {wanted.channels}.")
    own = round(info["defaultSampleRate"])
    rates = [wanted.device_rate] if wanted.device_rate else [wanted.rate, own, *_COMMON_RATES]
    forms = (wanted.samples,) if wanted.samples else SAMPLE_FORMATS
    # Hardware may insist on all its channels; the first ones are used then.
    channels = [c for c in (wanted.channels, 2, 4, 6, 8, most) if wanted.channels <= c <= most]
    for rate in dict.fromkeys(rates):
        for count in dict.fromkeys(channels):
            for form in forms:
                with contextlib.suppress(ValueError):
                    audio.is_format_supported(
                        rate,
                        input_device=index,
                        input_channels=count,
                        input_format=_constant(pyaudio, form),
                    )
                    return InputFormat(rate, count, form)
    raise CaptureError(
        f"The {name} refuses {wanted.channels} channels "
        f"at {' or '.join(str(rate) for rate in dict.fromkeys(rates))} Hz "
        f"as {' or '.join(forms)}, or it is in use or has just gone."
    )


def _constant(pyaudio: Any, form: SampleFormat) -> int:
    return int(getattr(pyaudio, f"pa{form.capitalize()}"))


def _reason(error: OSError) -> str:
    return str(error.args[-1] if error.args else error).rstrip(".")


@contextlib.contextmanager
def _pulse_source(name: str | None) -> Iterator[None]:
    """libpulse takes its source from the environment; ALSA has no other way to name one."""
    if name is None:
        yield
        return
    kept = os.environ.get("PULSE_SOURCE")
    os.environ["PULSE_SOURCE"] = name
    try:
        yield
    finally:
        if kept is None:
            del os.environ["PULSE_SOURCE"]
        else:
            os.environ["PULSE_SOURCE"] = kept


@contextlib.contextmanager
def quiet_stderr() -> Iterator[None]:
    """ALSA and JACK write about every device they lack straight to file descriptor 2."""
    # Nor shall JACK start a server because somebody looks for microphones.
    os.environ.setdefault("JACK_NO_START_SERVER", "1")
    kept = os.dup(2)
    hole = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(hole, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(hole)
        os.close(kept)

"""One program that listens to a microphone, in a process of its own; prints its share of a core.

Usage: python -m edge_sdk.benchmarks.figures.listener ours|theirs SECONDS BUNDLE
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from time import monotonic, process_time

import numpy as np
from numpy.typing import NDArray

from ..open_wake_word import CHUNK, open_wake_word

#: Seconds before the clock runs: streams open, kernels choose their ways.
_WARM = 3.0
_RATE = 16000
Heard = Iterator[NDArray[np.float32]]


def share(sound: Heard, step: Callable[[NDArray[np.float32]], object], seconds: float) -> float:
    """Share of a core that ``step`` on every chunk takes, with the waiting for it, in percent."""
    ready = monotonic() + _WARM
    while monotonic() < ready:
        step(next(sound))
    began, spent = monotonic(), process_time()
    while monotonic() < began + seconds:
        step(next(sound))
    return 100 * (process_time() - spent) / (monotonic() - began)


def ours(seconds: float, bundle: str) -> float:
    """The microphone, the front-end and the streaming encoder of this project."""
    from edge_sdk.runtimes.capture import Microphone
    from edge_sdk.runtimes.streaming import StreamingAudio

    with (
        StreamingAudio.open(bundle, edition="onnxruntime") as audio,
        Microphone("pulse:mic", rate=audio.rate, block=CHUNK) as microphone,
    ):
        return share((block.mono() for block in microphone), audio.push, seconds)


def theirs(seconds: float) -> float:
    """A blocking PyAudio stream, as openWakeWord's example has it, and its feature models."""
    import pyaudio

    models = open_wake_word()
    assert models is not None
    device = pyaudio.PyAudio()
    stream = device.open(
        format=pyaudio.paInt16, channels=1, rate=_RATE, input=True, frames_per_buffer=CHUNK
    )

    def sound() -> Heard:
        while True:
            samples = np.frombuffer(stream.read(CHUNK), np.int16).astype(np.float32)
            yield samples / np.float32(32768)

    try:
        return share(sound(), models.push, seconds)
    finally:
        stream.close()
        device.terminate()


if __name__ == "__main__":
    who, seconds, bundle = sys.argv[1], float(sys.argv[2]), sys.argv[3]
    print(ours(seconds, bundle) if who == "ours" else theirs(seconds))

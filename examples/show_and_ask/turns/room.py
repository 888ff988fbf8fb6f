"""A room on a virtual clock: a user's voice, the assistant's own, and noise at one microphone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import soxr

from edge_sdk.runtimes.assistant.speaker import MemorySpeaker
from edge_sdk.runtimes.capture import (
    AudioBlock,
    AudioCounters,
    CaptureEvent,
    SourceState,
    StreamEnded,
    VirtualClock,
)
from edge_sdk.runtimes.speech import RATE
from edge_sdk.runtimes.speech.protocol import Samples

from .acoustics import through

BLOCK = RATE * 80 // 1000
#: Root mean square of a user's voice at the microphone: -26 dB of full scale.
USER_LEVEL = 0.05
#: The floor of a quiet room, 50 dB below the user.
FLOOR = USER_LEVEL * 10 ** (-50 / 20)
# The device's buffers, which delay the echo.
_DELAY = round(0.06 * RATE)

Director = Callable[[float], Samples | None]


class Room:
    """An :class:`~edge_sdk.runtimes.capture.AudioSource`; ``direct`` says what sounds next.

    Args:
        clock: moved on by each block.
        speaker: what the microphone hears beside the user.
        direct: called with the time where the user has nothing left to say: more samples, or None
            for a block of quiet; raises StreamEnded at the end.
        echo_db: the level of the assistant's voice at the microphone at volume 70, against the
            user's; None: it is not heard.
        seed: of the noise.
    """

    name, rate, channels, block = "room", RATE, 1, BLOCK

    def __init__(
        self,
        clock: VirtualClock,
        speaker: MemorySpeaker,
        direct: Director,
        *,
        echo_db: float | None = 0.0,
        seed: int = 0,
    ) -> None:
        self.clock: VirtualClock = clock
        self._speaker, self._direct, self._echo_db = speaker, direct, echo_db
        self._rng = np.random.default_rng(seed)
        self._waiting: Samples = np.zeros(0, np.float32)
        self._position = 0
        self._last: Samples = np.zeros(0, np.float32)
        self._last_of = (-1.0, 0)
        self._state: SourceState = "stopped"

    @property
    def state(self) -> SourceState:
        return self._state

    def start(self) -> None:
        self._state = "running"

    def stop(self) -> None:
        self._state = "stopped"

    def events(self) -> tuple[CaptureEvent, ...]:
        return ()

    def counters(self) -> AudioCounters:
        return AudioCounters()

    def read(self, timeout: float | None = None) -> AudioBlock:
        """The next 80 ms, at once."""
        if self._state != "running":
            raise StreamEnded
        start = self._position
        if not self._waiting.size:
            more = self._direct(start / RATE)
            self._waiting = np.zeros(0, np.float32) if more is None else more
        heard = self._rng.normal(0, FLOOR, BLOCK).astype(np.float32)
        said, self._waiting = self._waiting[:BLOCK], self._waiting[BLOCK:]
        heard[: len(said)] += said
        heard += self._echo(start)
        self._position += BLOCK
        self.clock.move_to(self._position / RATE)
        return AudioBlock(np.clip(heard, -1, 1)[:, None], start / RATE, start)

    def _echo(self, start: int) -> Samples:
        """What the microphone hears of the speaker in the block from ``start``."""
        out = np.zeros(BLOCK, np.float32)
        if self._echo_db is None or not self._speaker.heard:
            return out
        began, speech, volume = self._speaker.heard[-1]
        # A cut keeps what was played up to it, and the room rings on.
        if (began, len(speech.samples)) != self._last_of:
            self._last = self._through_the_air(speech.samples, speech.rate)
            self._last_of = (began, len(speech.samples))
        at = start - round(began * RATE) - _DELAY
        first, last = max(0, at), min(len(self._last), at + BLOCK)
        if first < last:
            gain = np.float32((volume / 70) ** 2 * 10 ** (self._echo_db / 20))
            out[first - at : last - at] = self._last[first:last] * gain
        return out

    def _through_the_air(self, samples: Samples, rate: int) -> Samples:
        sound = soxr.resample(samples, rate, RATE).astype(np.float32)
        return levelled(through(sound, "loudspeaker"))


def levelled(samples: Samples, level: float = USER_LEVEL) -> Samples:
    """``samples`` at a root mean square of ``level`` where they are not silent."""
    loud = samples[np.abs(samples) > 0.02 * np.abs(samples).max(initial=1e-6)]
    rms = float(np.sqrt(np.mean(np.square(loud)))) if loud.size else 1.0
    return (samples * np.float32(level / max(rms, 1e-6))).astype(np.float32)

"""What the speech components are. All audio is mono float32 in [-1, 1] at :data:`RATE` hertz."""

from __future__ import annotations

from typing import Any, Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

RATE = 16000

Samples = NDArray[np.float32]


class Transcript(msgspec.Struct, frozen=True):
    """What was recognised: lower-case words, and how sure the recogniser is (None: it says not).

    ``confidence`` is the recogniser's own, from 0 to 1; those of two back ends do not compare.
    """

    text: str
    confidence: float | None = None


class Speech(msgspec.Struct, frozen=True):
    """Synthesised speech: float32 ``[n]`` in [-1, 1] and its rate in hertz."""

    samples: Samples
    rate: int


class WakeWord(Protocol):
    """Hears one phrase in a stream."""

    phrase: str

    def feed(self, samples: Samples) -> float | None:
        """Take the next samples, any number; the score in [0, 1] where the phrase was heard."""
        ...

    def reset(self) -> None:
        """Forget what was heard so far."""
        ...

    def close(self) -> None:
        """Release what it holds."""
        ...


class GradedWakeWord(WakeWord, Protocol):
    """A wake word that also says how nearly it heard its phrase."""

    #: The highest score in what :meth:`feed` was given last, heard or not.
    level: float


class VoiceDetector(Protocol):
    """Tells speech from anything else, window by window."""

    #: Samples of one window.
    window: int

    def probability(self, samples: Samples) -> float:
        """The probability in [0, 1] that a window ``[window]`` is speech; windows in order."""
        ...

    def reset(self) -> None:
        """Forget the windows before."""
        ...


class Recogniser(Protocol):
    """Writes down what was said."""

    def transcribe(self, samples: Samples) -> Transcript:
        """The words of one utterance ``[n]``; an empty text where there are none."""
        ...

    def close(self) -> None:
        """Release what it holds."""
        ...


class EchoCanceller(Protocol):
    """Takes what a loudspeaker played out of what a microphone heard."""

    def cancel(self, heard: Samples, played: Samples) -> Samples:
        """``heard`` ``[n]`` without the echo of ``played`` ``[n]``, float32 ``[n]``.

        Both begin at the same time on the clock; the echo comes some milliseconds later.
        """
        ...

    def reset(self) -> None:
        """Forget the room."""
        ...

    def close(self) -> None:
        """Release what it holds."""
        ...


class Voice(Protocol):
    """Speaks."""

    def speak(self, text: str) -> Speech:
        """The text, spoken.

        Raises:
            DeviceError: the synthesiser failed.
        """
        ...

    def close(self) -> None:
        """Release what it holds."""
        ...


Component = WakeWord | VoiceDetector | Recogniser | EchoCanceller | Voice
Options = dict[str, Any]

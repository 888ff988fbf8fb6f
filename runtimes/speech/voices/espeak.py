"""eSpeak NG: small, many languages, robotic."""

from __future__ import annotations

from edge_sdk.errors import UsageError

from ..protocol import Speech
from .command import program, run, speech_of


class EspeakVoice:
    """The voice ``espeak`` (espeak-ng, GPL-3, run as a program of its own).

    Args:
        voice: the name of a voice, such as ``en-us`` or ``en-gb+f3``.
        speed: words a minute, 80 to 450.

    Raises:
        DependencyError: espeak-ng is not installed.
        UsageError: the speed is out of range.
    """

    def __init__(self, voice: str = "en-us", speed: int = 165) -> None:
        if not 80 <= speed <= 450:
            raise UsageError(f"espeak speaks 80 to 450 words a minute, not {speed}.")
        self._command = [program("espeak-ng"), "--stdout", "-v", voice, "-s", str(speed), "--stdin"]

    def speak(self, text: str) -> Speech:
        """The text, spoken."""
        return speech_of(run(self._command, text), self._command[0])

    def close(self) -> None:
        """Nothing is held."""

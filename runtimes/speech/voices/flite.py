"""Flite: small and quick, English."""

from __future__ import annotations

import tempfile
from pathlib import Path

from ..protocol import Speech
from .command import program, run, speech_of

_MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None


class FliteVoice:
    """The voice ``flite`` (BSD-like, run as a program of its own).

    Args:
        voice: ``slt``, ``rms``, ``awb``, ``kal`` or ``kal16``.

    Raises:
        DependencyError: flite is not installed.
    """

    def __init__(self, voice: str = "slt") -> None:
        self._command = [program("flite"), "-voice", voice]

    def speak(self, text: str) -> Speech:
        """The text, spoken."""
        # flite seeks in what it writes: no pipe will do. Memory, where there is such a folder.
        with tempfile.TemporaryDirectory(prefix="edge-sdk-", dir=_MEMORY) as folder:
            file = Path(folder) / "speech.wav"
            run([*self._command, "-o", str(file)], text)
            return speech_of(file.read_bytes(), self._command[0])

    def close(self) -> None:
        """Nothing is held."""

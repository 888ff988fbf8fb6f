"""Voices that are programs of the system: text in, a WAV out."""

from __future__ import annotations

import io
import shutil
import subprocess
from collections.abc import Sequence

import numpy as np
import soundfile

from edge_sdk.errors import DependencyError, DeviceError

from ..protocol import Speech

# A sentence takes a fraction of a second.
_PATIENCE = 30.0


def program(name: str) -> str:
    """The path of a program.

    Raises:
        DependencyError: it is not installed.
    """
    path = shutil.which(name)
    if path is None:
        raise DependencyError(f"{name} is not installed: sudo apt-get install {name}.")
    return path


def run(command: Sequence[str], text: str = "") -> bytes:
    """The standard output of ``command``, given ``text`` on its standard input.

    Raises:
        DeviceError: the program failed or takes too long.
    """
    try:
        done = subprocess.run(
            command, input=text.encode(), capture_output=True, timeout=_PATIENCE, check=True
        )
    except subprocess.CalledProcessError as error:
        why = error.stderr.decode(errors="replace").strip().splitlines()
        reason = why[-1] if why else f"exit code {error.returncode}"
        raise DeviceError(f"{command[0]} failed: {reason}.") from error
    except subprocess.TimeoutExpired as error:
        raise DeviceError(f"{command[0]} gave no speech within {_PATIENCE:g} s.") from error
    return done.stdout


def speech_of(content: bytes, source: str) -> Speech:
    """The first channel of a WAV.

    Raises:
        DeviceError: it is no recording.
    """
    try:
        samples, rate = soundfile.read(io.BytesIO(content), dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise DeviceError(f"{source} gave no recording: {error}.") from error
    return Speech(np.ascontiguousarray(samples[:, 0]), int(rate))

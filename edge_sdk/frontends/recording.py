"""Recordings in: decode a file, mix down, resample, and refuse what cannot be answered on."""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from ..errors import DependencyError, InputError
from .audio import check_samples
from .config import LogMelConfig

# Below this peak (-80 dB of full scale) even a quiet microphone's noise floor is missing.
SILENCE = 1e-4
# A RIFF size that means "written to a pipe, length unknown".
_UNKNOWN_SIZES = {0, 0xFFFFFFFF, 0x7FFFFFFF}
_UNKNOWN_FRAMES = 1 << 62


def read_recording(source: str | Path | BinaryIO, config: LogMelConfig) -> NDArray[np.float32]:
    """Decode a WAV, FLAC or OGG file to mono float32 ``[n]`` at ``config.rate``.

    Raises:
        InputError: the file is missing, not audio, empty, truncated, silent, too short for one
            window, or longer than ``config.max_seconds``.
        DependencyError: the decoder is not installed.
    """
    if not isinstance(source, (str, Path)):
        return _decode(source, config, "the recording")
    path = Path(source)
    if not path.is_file():
        raise InputError(f"There is no recording at {path}.")
    try:
        with path.open("rb") as file:
            return _decode(file, config, str(path))
    except OSError as error:
        raise InputError(f"The recording {path} cannot be read: {error.strerror}.") from error


def _decode(file: BinaryIO, config: LogMelConfig, name: str) -> NDArray[np.float32]:
    try:
        import soundfile
    except (ImportError, OSError) as error:
        raise DependencyError(
            f"Reading {name} needs the package soundfile: pip install soundfile ({error})."
        ) from error
    _check_riff_length(file, name)
    file.seek(0)
    try:
        with soundfile.SoundFile(file) as sound:
            rate, frames = sound.samplerate, sound.frames
            known = 0 <= frames < _UNKNOWN_FRAMES
            if known and frames > config.max_seconds * rate:
                raise _too_long(name, frames / rate, config)
            # One second more than allowed: enough to see that a stream of unknown length is over.
            limit = int((config.max_seconds + 1) * rate)
            data = sound.read(limit, dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise InputError(
            f"{name} cannot be read as audio ({error.error_string.rstrip('.')}); "
            "give a WAV, FLAC or OGG file."
        ) from error
    if known and len(data) < frames:
        raise InputError(
            f"{name} is truncated: it announces {frames} samples and holds {len(data)}."
        )
    return prepare_samples(data, rate, config, name=name)


def prepare_samples(
    samples: NDArray[Any], rate: int, config: LogMelConfig, *, name: str = "the audio"
) -> NDArray[np.float32]:
    """Mono float32 ``[n]`` at ``config.rate`` from float ``[n]`` or ``[n, channels]`` at ``rate``.

    16-bit integers are scaled to [-1, 1].

    Raises:
        InputError: wrong rank or dtype, NaN, no samples, silence, too short or too long.
    """
    samples = np.asarray(samples)
    if not isinstance(rate, (int, np.integer)) or not 1000 <= rate <= 768000:
        raise InputError(f"The rate of {name} must be whole hertz from 1000 to 768000, not {rate}.")
    if samples.ndim not in (1, 2):
        raise InputError(
            f"The shape of {name} must be [samples] or [samples, channels], "
            f"not {list(samples.shape)}."
        )
    if samples.ndim == 2 and samples.shape[1] > 64:
        raise InputError(
            f"The shape {list(samples.shape)} of {name} has {samples.shape[1]} channels; "
            "is it [channels, samples]? Transpose it."
        )
    if samples.dtype == np.int16:
        samples = samples.astype(np.float32) / np.float32(32768)
    if samples.shape[0] == 0:
        raise InputError(f"There are no samples in {name}.")
    mono = samples if samples.ndim == 1 else samples.mean(axis=1)
    mono = check_samples(mono)
    if mono.size > config.max_seconds * rate:
        raise _too_long(name, mono.size / rate, config)
    peak = float(np.abs(mono).max())
    if peak < SILENCE:
        raise InputError(
            f"Nothing can be heard in {name}: its loudest sample is {peak:.1e} of full scale. "
            "Check the microphone, or leave the audio out."
        )
    mono = resample(mono, int(rate), config.rate)
    if mono.size < config.window:
        raise InputError(
            f"{name} is too short: {mono.size / config.rate * 1000:.1f} ms, "
            f"and one window takes {config.window_ms:g} ms."
        )
    return mono


def resample(x: NDArray[np.float32], source: int, target: int) -> NDArray[np.float32]:
    """Band-limited resampling of mono float32 ``[n]`` (soxr, high quality)."""
    if source == target:
        return x
    try:
        import soxr
    except ImportError as error:
        raise DependencyError(
            f"Resampling from {source} to {target} Hz needs the package soxr: pip install soxr."
        ) from error
    return np.ascontiguousarray(soxr.resample(x, source, target, quality="HQ"), np.float32)


def _too_long(name: str, seconds: float, config: LogMelConfig) -> InputError:
    return InputError(
        f"{name} is {seconds:.0f} s long and this model takes at most {config.max_seconds:g} s; "
        "cut out the utterance."
    )


def _check_riff_length(file: BinaryIO, name: str) -> None:
    """Refuse an empty file, and a WAV cut short: the decoder would mend its header silently."""
    size = file.seek(0, os.SEEK_END)
    if size == 0:
        raise InputError(f"{name} is empty (0 bytes).")
    file.seek(0)
    header = file.read(12)
    if header[:4] != b"RIFF" or header[8:12] != b"WAVE":
        return
    position = 12
    while True:
        file.seek(position)
        chunk = file.read(8)
        if len(chunk) < 8:
            raise InputError(f"{name} is truncated: it has no audio data.")
        length = struct.unpack("<I", chunk[4:])[0]
        if chunk[:4] == b"data":
            break
        position += 8 + length + (length & 1)
    if length not in _UNKNOWN_SIZES and position + 8 + length > size:
        raise InputError(
            f"{name} is truncated: it announces {length} bytes of audio "
            f"and holds {size - position - 8}."
        )

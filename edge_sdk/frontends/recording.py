"""Recordings in: decode a file, mix down, resample, and refuse what cannot be answered on."""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from ..errors import DependencyError, InputError
from ..files import is_file
from .audio import check_samples
from .config import AudioFeaturesConfig

# Below this peak (-80 dB of full scale) even a quiet microphone's noise floor is missing.
SILENCE = 1e-4
# Floats of full scale are at 1; sums of microphones and gain go beyond it, but not 24 dB beyond.
LOUDEST = 16.0
# RIFF sizes that mean "written to a pipe, length unknown": 0, and what arecord, sox, ffmpeg and
# others write for "as much as there can be". Nothing between is shorter than nine hours.
_UNKNOWN_SIZE = 0x7FFFF000
# An Ogg page is no longer than this.
_OGG_PAGE = 27 + 255 + 255 * 255
_OGG_END = 4
_UNKNOWN_FRAMES = 1 << 62


def read_recording(
    source: str | Path | BinaryIO, config: AudioFeaturesConfig
) -> NDArray[np.float32]:
    """Decode a WAV, FLAC or OGG file to mono float32 ``[n]`` at ``config.rate``.

    Raises:
        InputError: the file is missing, not audio, empty, truncated, silent, too short for one
            window, or longer than ``config.max_seconds``.
        DependencyError: the decoder is not installed.
    """
    if not isinstance(source, (str, Path)):
        return _decode(source, config, "the recording")
    path = Path(source)
    if not is_file(path):
        raise InputError(f"There is no recording at {path}.")
    try:
        with path.open("rb") as file:
            return _decode(file, config, str(path))
    except OSError as error:
        raise InputError(f"The recording {path} cannot be read: {error.strerror}.") from error


def _decode(file: BinaryIO, config: AudioFeaturesConfig, name: str) -> NDArray[np.float32]:
    try:
        import soundfile
    except (ImportError, OSError) as error:
        raise DependencyError(
            f"Reading {name} needs the package soundfile: pip install soundfile ({error})."
        ) from error
    _check_complete(file, name)
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
    samples = prepare_samples(data, rate, config, name=name)
    # Nobody needs to write to it, and a session may then hold it without a copy.
    samples.setflags(write=False)
    return samples


def prepare_samples(
    samples: NDArray[Any], rate: int, config: AudioFeaturesConfig, *, name: str = "the audio"
) -> NDArray[np.float32]:
    """Mono float32 ``[n]`` at ``config.rate`` from float ``[n]`` or ``[n, channels]`` at ``rate``.

    16-bit integers are scaled to [-1, 1].

    Raises:
        InputError: wrong rank or dtype, NaN, no samples, silence, far beyond [-1, 1], too short
            or too long.
    """
    samples = as_samples(samples, name)
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
    if samples.size == 0:
        raise InputError(f"There are no samples in {name}.")
    if samples.ndim == 2:
        # Checked before they are averaged: the mean of integers would pass as floating point.
        samples = check_samples(samples.reshape(-1), name).reshape(samples.shape).mean(axis=1)
    mono = check_samples(samples, name)
    if mono.size > config.max_seconds * rate:
        raise _too_long(name, mono.size / rate, config)
    peak = float(np.abs(mono).max())
    if peak < SILENCE:
        raise InputError(
            f"Nothing can be heard in {name}: its loudest sample is {peak:.1e} of full scale. "
            "Check the microphone, or leave the audio out."
        )
    if peak > LOUDEST:
        raise InputError(
            f"The loudest sample of {name} is {peak:.5g}, and full scale is 1: these seem to be "
            "16-bit values in floating point. Divide them by 32768, or give them as int16."
        )
    mono = resample(mono, int(rate), config.rate)
    if mono.size < config.window:
        raise InputError(
            f"{name} is too short: {mono.size / config.rate * 1000:.1f} ms, "
            f"and one window takes {config.window_ms:g} ms."
        )
    return mono


def as_samples(samples: Any, name: str) -> NDArray[Any]:
    """``samples`` as an array; raises :class:`InputError` where its rows differ in length."""
    try:
        return np.asarray(samples)
    except ValueError as error:
        raise InputError(
            f"The shape of {name} must be [samples] or [samples, channels]; its rows differ."
        ) from error


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


def _too_long(name: str, seconds: float, config: AudioFeaturesConfig) -> InputError:
    return InputError(
        f"{name} is {seconds:.0f} s long and this model takes at most {config.max_seconds:g} s; "
        "cut out the utterance."
    )


def _check_complete(file: BinaryIO, name: str) -> None:
    """Refuse an empty file, and one cut short where the decoder would not say so."""
    size = file.seek(0, os.SEEK_END)
    if size == 0:
        raise InputError(f"{name} is empty (0 bytes).")
    file.seek(0)
    header = file.read(12)
    if header[:4] == b"RIFF" and header[8:12] == b"WAVE":
        _check_riff(file, name, size)
    elif header[:4] == b"OggS":
        _check_ogg(file, name, size)


def _check_ogg(file: BinaryIO, name: str, size: int) -> None:
    """Refuse an Ogg stream that does not end with a whole page marked as the last one."""
    file.seek(max(0, size - _OGG_PAGE))
    tail = file.read()
    start = tail.rfind(b"OggS")
    while start >= 0:
        lengths = (
            tail[start + 27 : start + 27 + tail[start + 26]] if start + 26 < len(tail) else b""
        )
        whole = start + 27 + len(lengths) + sum(lengths) == len(tail)
        if whole and tail[start + 5] & _OGG_END:
            return
        start = tail.rfind(b"OggS", 0, start)
    raise InputError(f"{name} is truncated: the end of its Ogg stream is missing.")


def _check_riff(file: BinaryIO, name: str, size: int) -> None:
    """Refuse a WAV that holds less than it announces."""
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
    if 0 < length < _UNKNOWN_SIZE and position + 8 + length > size:
        raise InputError(
            f"{name} is truncated: it announces {length} bytes of audio "
            f"and holds {size - position - 8}."
        )

"""Log-mel features: the same code for a whole recording and for a stream of chunks.

Follows Kaldi's ``fbank`` (mean removal and pre-emphasis per frame, Povey window, power
spectrum, natural logarithm, no dither, frames only where the whole window fits).
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from ..errors import InputError
from .config import LogMelConfig
from .mel import mel_weights, povey_window

Float = NDArray[np.float32]

# Frames computed at once, and groups of bands the filter bank is multiplied in (filters are
# short, so a group needs few bins). Together they keep each product below the size at which
# OpenBLAS wakes a thread pool: for so little work, waking and spinning cost more than they save.
_BLOCK = 32
_GROUPS = 4


class LogMel:
    """Log-mel filter bank over mono float32 samples in [-1, 1] at ``config.rate``."""

    def __init__(self, config: LogMelConfig | None = None) -> None:
        self.config = config = config or LogMelConfig()
        self._bank = _Bank(config)

    def frames(self, samples: int) -> int:
        """The number of frames that ``samples`` samples give."""
        window, hop = self.config.window, self.config.hop
        return 0 if samples < window else 1 + (samples - window) // hop

    def batch(self, x: NDArray[np.float32]) -> Float:
        """Features of a whole recording: float32 ``[n]`` -> float32 ``[frames, bands]``.

        Raises:
            InputError: ``x`` is not a one-dimensional float array or holds NaN or infinity.
        """
        x = check_samples(x)
        return _Workspace(self._bank, self.frames(x.size)).compute(x, self.frames(x.size))

    def stream(self) -> LogMelStream:
        """A stream that gives the same frames as :meth:`batch`, chunk by chunk."""
        return LogMelStream(self)


class _Bank:
    """The constants of a configuration, shared by all its streams."""

    def __init__(self, config: LogMelConfig) -> None:
        self.config = config
        # The power of a bin is re^2 + im^2: with every weight twice, one product sums both.
        weights = np.repeat(mel_weights(config), 2, axis=0)
        self.groups: list[tuple[slice, slice, Float]] = []
        for bands in np.array_split(np.arange(config.bands), min(_GROUPS, config.bands)):
            used = np.flatnonzero(weights[:, bands].any(axis=1))
            bins = slice(int(used[0]), int(used[-1]) + 1) if used.size else slice(0, 1)
            columns = slice(int(bands[0]), int(bands[-1]) + 1)
            self.groups.append((bins, columns, np.ascontiguousarray(weights[bins, columns])))
        self.taper = povey_window(config.window)
        self.preemphasis = np.float32(config.preemphasis)
        # What a constant offset leaves behind after pre-emphasis and window, as a function of
        # the sum of the window's samples.
        self.head = (np.float32(1.0) - self.preemphasis) * self.taper[0]
        self.offset = (np.float32(1.0) - self.preemphasis) * self.taper / config.window
        self.window, self.hop = config.window, config.hop


class _Workspace:
    """Preallocated arrays and views for up to ``frames`` frames a block; one thread at a time.

    At 80 ms a chunk the arithmetic is as cheap as the calls around it, so nothing that does
    not depend on the samples is made anew for a chunk.
    """

    def __init__(self, bank: _Bank, frames: int) -> None:
        self._bank, config = bank, bank.config
        self._block = rows = max(1, min(frames, _BLOCK))
        length = (rows - 1) * config.hop + config.window
        self._samples = np.zeros(length, np.float32)
        self._emphasised = np.zeros(length - 1, np.float32)
        item = self._samples.itemsize
        step = (config.hop * item, item)
        self._raw = as_strided(self._samples, (rows, config.window), step)
        self._body = as_strided(self._emphasised, (rows, config.window - 1), step)
        self._framed = np.zeros((rows, config.fft), np.float32)
        self._offset = np.empty((rows, config.window), np.float32)

    def compute(self, x: Float, count: int) -> Float:
        """The first ``count`` frames of ``x``."""
        config = self._bank.config
        out = np.empty((count, config.bands), np.float32)
        for start in range(0, count, self._block):
            rows = min(self._block, count - start)
            first = start * self._bank.hop
            length = (rows - 1) * self._bank.hop + self._bank.window
            self._samples[:length] = x[first : first + length]
            self._frames(rows, length, out[start : start + rows])
        if config.mean != 0.0 or config.scale != 1.0:
            out -= np.float32(config.mean)
            out *= np.float32(config.scale)
        return out

    def _frames(self, rows: int, length: int, out: Float) -> None:
        bank, window = self._bank, self._bank.window
        # Pre-emphasis is linear and the same for every frame but for its first sample, so it
        # is done once on the samples and not once for each of the frames they are part of.
        samples, emphasised = self._samples[:length], self._emphasised[: length - 1]
        np.multiply(samples[:-1], -bank.preemphasis, out=emphasised)
        emphasised += samples[1:]
        raw, framed = self._raw[:rows], self._framed[:rows]
        np.multiply(self._body[:rows], bank.taper[1:], out=framed[:, 1:window])
        np.multiply(raw[:, 0], bank.head, out=framed[:, 0])
        if bank.config.remove_dc:
            offset = self._offset[:rows]
            np.multiply(np.add.reduce(raw, axis=1)[:, None], bank.offset, out=offset)
            tapered = framed[:, :window]
            np.subtract(tapered, offset, out=tapered)
        power = np.fft.rfft(framed, axis=1).astype(np.complex64, copy=False).view(np.float32)
        np.multiply(power, power, out=power)
        for bins, columns, weights in bank.groups:
            np.matmul(power[:, bins], weights, out=out[:, columns])
        np.maximum(out, np.float32(bank.config.floor), out=out)
        np.log(out, out=out)


class LogMelStream:
    """Streaming log-mel; holds less than one window of samples between calls."""

    def __init__(self, features: LogMel) -> None:
        self._features = features
        self._workspace = _Workspace(features._bank, _BLOCK)
        self._hop = features.config.hop
        self._rest = np.empty(0, np.float32)

    def push(self, x: NDArray[np.float32]) -> Float:
        """Add samples, float32 ``[n]``; returns the frames now complete, ``[k, bands]``.

        Raises:
            InputError: as :meth:`LogMel.batch`; the stream is left as it was.
        """
        held = np.concatenate([self._rest, check_samples(x)])
        done = self._features.frames(held.size)
        self._rest = held[done * self._hop :]
        return self._workspace.compute(held, done)

    def flush(self) -> Float:
        """End the stream: ``[0, bands]``, since only whole windows make frames; starts anew."""
        self._rest = np.empty(0, np.float32)
        return np.empty((0, self._features.config.bands), np.float32)


def check_samples(x: NDArray[np.float32]) -> Float:
    """``x`` as contiguous float32 ``[n]``; raises :class:`InputError` where it is not audio."""
    x = np.asarray(x)
    if x.ndim != 1:
        raise InputError(
            f"Audio must be one-dimensional mono samples, not an array of shape {x.shape}; "
            "mix the channels down first."
        )
    if x.dtype.kind != "f":
        raise InputError(
            f"Audio must be floating point in [-1, 1], not {x.dtype}; "
            "divide 16-bit integers by 32768."
        )
    x = np.ascontiguousarray(x, np.float32)
    # One sum sees every NaN and infinity, and costs a third of np.isfinite(x).all().
    if x.size and not np.isfinite(np.dot(x, x)):
        bad = int(np.flatnonzero(~np.isfinite(x))[0]) if not np.isfinite(x).all() else None
        if bad is not None:
            raise InputError(f"Audio holds NaN or infinity, first at sample {bad}.")
    return x

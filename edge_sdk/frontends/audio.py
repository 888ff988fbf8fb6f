"""Log-mel features: the same code for a whole recording and for a stream of chunks.

Follows Kaldi's ``fbank`` (mean removal and pre-emphasis per frame, Povey window, power
spectrum, natural logarithm, no dither, frames only where the whole window fits).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from ..errors import InputError
from .config import AudioFeaturesConfig
from .mel import mel_weights, povey_window

__all__ = ["AudioFeaturesConfig", "LogMel", "LogMelStream", "check_samples"]

Float = NDArray[np.float32]

# The filter bank is multiplied in groups of bands, since low filters need only low bins, and so
# few frames at once that no product reaches the size (rows x bins x bands) at which OpenBLAS
# wakes a thread pool: for so little work, waking and spinning cost more than they save.
_GROUPS = 2
_PRODUCT = 1 << 18
_FRAMES = 32

_RFFT_HAS_OUT = np.lib.NumpyVersion(np.__version__) >= "2.0.0"


class LogMel:
    """Log-mel filter bank over mono float32 samples in [-1, 1] at ``config.rate``."""

    def __init__(self, config: AudioFeaturesConfig | None = None) -> None:
        self.config = config = config or AudioFeaturesConfig()
        self._bank = _Bank(config)

    def frames(self, samples: int) -> int:
        """The number of frames that ``samples`` samples give."""
        return self._bank.frames(samples)

    def batch(self, x: NDArray[np.float32]) -> Float:
        """Features of a whole recording: float32 ``[n]`` -> float32 ``[frames, bands]``.

        Raises:
            InputError: ``x`` is not a one-dimensional float array or holds NaN or infinity.
        """
        return self.stream().push(x)

    def stream(self) -> LogMelStream:
        """A stream that gives the same frames as :meth:`batch`, chunk by chunk."""
        return LogMelStream(self)


class LogMelStream:
    """Streaming log-mel; holds less than one window of samples between calls.

    At 80 ms a chunk the arithmetic is as cheap as the calls around it, so nothing that does
    not depend on the samples is made anew for a chunk.
    """

    def __init__(self, features: LogMel) -> None:
        self._bank = bank = features._bank
        self._workspace = _Workspace(bank)
        self._held = 0
        self._blocks: dict[int, _Block] = {}

    def push(self, x: NDArray[np.float32]) -> Float:
        """Add samples, float32 ``[n]``; returns the frames now complete, ``[k, bands]``.

        Raises:
            InputError: as :meth:`LogMel.batch`; the stream is left as it was.
        """
        x = check_samples(x)
        bank, samples = self._bank, self._workspace.samples
        out = np.empty((bank.frames(self._held + x.size), bank.config.bands), np.float32)
        taken = done = 0
        while taken < x.size:
            step = min(x.size - taken, samples.size - self._held)
            held = self._held + step
            samples[self._held : held] = x[taken : taken + step]
            rows = bank.frames(held)
            if rows:
                self._block(rows).compute(out[done : done + rows])
                samples[: held - rows * bank.hop] = samples[rows * bank.hop : held]
            self._held = held - rows * bank.hop
            taken += step
            done += rows
        return out

    def flush(self) -> Float:
        """End the stream: ``[0, bands]``, since only whole windows make frames; starts anew."""
        self._held = 0
        return np.empty((0, self._bank.config.bands), np.float32)

    def _block(self, rows: int) -> _Block:
        if rows not in self._blocks:
            self._blocks[rows] = _Block(self._bank, self._workspace, rows)
        return self._blocks[rows]


class _Bank:
    """The constants of a configuration, shared by all its streams."""

    def __init__(self, config: AudioFeaturesConfig) -> None:
        self.config = config
        self.window, self.hop = config.window, config.hop
        weights = mel_weights(config)
        self.groups: list[tuple[slice, slice, Float]] = []
        for bands in np.array_split(np.arange(config.bands), min(_GROUPS, config.bands)):
            used = np.flatnonzero(weights[:, bands].any(axis=1))
            bins = slice(int(used[0]), int(used[-1]) + 1) if used.size else slice(0, 1)
            columns = slice(int(bands[0]), int(bands[-1]) + 1)
            self.groups.append((bins, columns, np.ascontiguousarray(weights[bins, columns])))
        self.block = min(_FRAMES, max(1, _PRODUCT // max(w.size for _, _, w in self.groups)))
        # The window is zero at both ends: the first sample of a frame, the only one whose
        # pre-emphasis depends on where the frame begins, and the last one do not matter.
        taper = np.zeros(config.fft, np.float32)
        taper[1 : config.window - 1] = povey_window(config.window)[1:-1]
        # A whole block of it: numpy goes through flat arrays faster than through rows.
        self.taper = np.tile(taper, (self.block, 1))
        self.emphasis = np.float32(-config.preemphasis)
        # What a constant offset leaves behind after pre-emphasis, from the sum of a window.
        self.offset = np.float32((1.0 - config.preemphasis) / config.window)
        self.floor = np.float32(config.floor)

    def frames(self, samples: int) -> int:
        """The number of whole windows in ``samples`` samples."""
        return 0 if samples < self.window else 1 + (samples - self.window) // self.hop


class _Workspace:
    """The arrays of one stream, for one block of frames."""

    def __init__(self, bank: _Bank) -> None:
        block, fft = bank.block, bank.config.fft
        length = (block - 1) * bank.hop + bank.window
        self.samples = np.zeros(length, np.float32)
        self.emphasised = np.empty(length, np.float32)
        self.offset = np.empty((block, 1), np.float32)
        self.framed = np.zeros((block, fft), np.float32)
        self.spectrum = np.empty((block, fft // 2 + 1), np.complex64)
        self.power = np.empty((block, fft // 2 + 1), np.float32)


class _Block:
    """Views of a workspace to compute ``rows`` frames from the beginning of its samples."""

    def __init__(self, bank: _Bank, workspace: _Workspace, rows: int) -> None:
        self._bank, samples = bank, workspace.samples
        length = (rows - 1) * bank.hop + bank.window
        step = (bank.hop * samples.itemsize, samples.itemsize)
        self._earlier, self._later = samples[: length - 2], samples[1 : length - 1]
        self._raw = as_strided(samples, (rows, bank.window), step)
        self._offset = workspace.offset[:rows]
        self._emphasised = workspace.emphasised[: length - 2]
        self._body = as_strided(self._emphasised, (rows, bank.window - 2), step)
        self._framed = workspace.framed[:rows]
        self._inner = self._framed[:, 1 : bank.window - 1]
        self._taper = bank.taper[:rows]
        self._spectrum = workspace.spectrum[:rows]
        self._squares = self._spectrum.reshape(-1).view(np.float32)
        self._real, self._imaginary = self._squares[::2], self._squares[1::2]
        self._power = workspace.power[:rows].reshape(-1)
        self._products = [
            (workspace.power[:rows, used], weights, columns)
            for used, columns, weights in bank.groups
        ]

    def compute(self, out: Float) -> None:
        """Write the frames to ``out``, float32 ``[rows, bands]``."""
        bank, config = self._bank, self._bank.config
        # Pre-emphasis is linear and the same for every frame, so it is done once on the samples
        # and not once for each of the frames they are part of.
        np.multiply(self._earlier, bank.emphasis, out=self._emphasised)
        np.add(self._emphasised, self._later, out=self._emphasised)
        if config.remove_dc:
            np.add.reduce(self._raw, axis=1, keepdims=True, out=self._offset)
            np.multiply(self._offset, bank.offset, out=self._offset)
            np.subtract(self._body, self._offset, out=self._inner)
        else:
            self._inner[:] = self._body
        np.multiply(self._framed, self._taper, out=self._framed)
        if _RFFT_HAS_OUT:
            # numpy's types know complex128 here only.
            np.fft.rfft(self._framed, out=self._spectrum)  # type: ignore[arg-type]
        else:
            self._spectrum[:] = np.fft.rfft(self._framed)
        np.multiply(self._squares, self._squares, out=self._squares)
        np.add(self._real, self._imaginary, out=self._power)
        for power, weights, columns in self._products:
            np.matmul(power, weights, out=out[:, columns])
        np.maximum(out, bank.floor, out=out)
        np.log(out, out=out)
        if config.mean != 0.0 or config.scale != 1.0:
            np.subtract(out, np.float32(config.mean), out=out)
            np.multiply(out, np.float32(config.scale), out=out)


def check_samples(x: NDArray[np.float32], name: str = "Audio") -> Float:
    """``x`` as contiguous float32 ``[n]``; raises :class:`InputError` where it is not audio."""
    x = np.asarray(x)
    if x.ndim != 1:
        raise InputError(
            f"{name} must be one-dimensional mono samples, not an array of shape {x.shape}; "
            "mix the channels down first."
        )
    if x.dtype.kind != "f":
        raise InputError(
            f"{name} must be floating point in [-1, 1], not {x.dtype}; "
            "divide 16-bit integers by 32768."
        )
    x = np.ascontiguousarray(x, np.float32)
    # One sum sees every NaN and infinity, and costs a third of np.isfinite(x).all().
    if x.size and not math.isfinite(np.dot(x, x)):
        bad = int(np.flatnonzero(~np.isfinite(x))[0]) if not np.isfinite(x).all() else None
        if bad is not None:
            raise InputError(f"{name} holds NaN or infinity, first at sample {bad}.")
    return x

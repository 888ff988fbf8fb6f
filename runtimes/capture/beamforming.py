"""Several microphones as one that listens in a direction.

The direction is where the steered response is highest: the generalised cross-correlations with
phase transform of all pairs (GCC-PHAT; Knapp and Carter, 1976), summed over the delays that a
plane wave from there would have (SRP-PHAT; DiBiase, 2000). The channels are then delayed by
fractions of a sample, as phases in the frequency domain, and averaged (delay and sum).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge_sdk.errors import InputError, UsageError

from .array import MicrophoneArray

Float = NDArray[np.float32]

#: Seconds of a frame; frames overlap by half.
_FRAME = 0.032
#: Hertz between which directions are looked for: where speech is, and noise and aliasing are less.
_BAND = (200.0, 4000.0)
#: How much of the cross-spectra a frame of sound renews.
_RENEWAL = 0.15
#: Share of the sound, from 0 to 1, that must fit a plane wave before the beam turns to it.
_COHERENT = 0.06
#: The beam turns every so many frames: nobody walks faster.
_TURN = 4


class Beamformer:
    """Streaming delay and sum; output samples have the places of the input samples."""

    def __init__(
        self, array: MicrophoneArray, rate: int, *, direction: float | None = None
    ) -> None:
        """A beam.

        Args:
            array: where the microphones are.
            rate: hertz.
            direction: azimuth in degrees to listen in; by default the loudest one is followed.

        Raises:
            UsageError: the array has fewer than two microphones.
        """
        if array.channels < 2:
            raise UsageError("Beamforming needs at least two microphones.")
        self._array = array
        self._fixed = direction
        self._size = size = max(16, 2 * round(_FRAME * rate / 2))
        self._hop = size // 2
        # A periodic Hann window's root, twice applied, adds up to one at half overlap.
        self._window = np.sqrt(0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size))
        frequencies = np.fft.rfftfreq(size, 1 / rate)
        self._radians = 2 * np.pi * frequencies
        self._grid = np.arange(0.0, 180.5 if array.linear else 360.0, 1.0)
        delays = array.delays(self._grid)
        first, second = np.triu_indices(array.channels, 1)
        self._pairs = (first, second)
        self._used = np.flatnonzero((frequencies >= _BAND[0]) & (frequencies <= _BAND[1]))
        between = delays[:, first] - delays[:, second]
        # [grid, pairs * bins], single precision: a few megabytes.
        self._steering = (
            np.exp(-1j * between[:, :, None] * self._radians[self._used][None, None, :])
            .astype(np.complex64)
            .reshape(len(self._grid), -1)
        )
        self._frames = 0
        self.restart()

    @property
    def direction(self) -> float | None:
        """Azimuth in degrees that the beam listens in; None before anything was heard."""
        return self._direction

    def restart(self) -> None:
        """Begin anew, at a place of its own on the time line; the direction stays."""
        channels = self._array.channels
        if not hasattr(self, "_direction"):
            self._direction: float | None = self._fixed
            self._cross = np.zeros((len(self._pairs[0]), len(self._used)), np.complex64)
            #: Share of the sound that fits a plane wave from the direction, from 0 to 1.
            self.confidence = 0.0
        self._held = np.zeros((self._hop, channels), np.float32)
        self._tail = np.zeros(self._hop)
        # What the first frame completes lies before the first sample.
        self._early = self._hop

    def push(self, samples: Float) -> Float:
        """Add float32 ``[n, channels]``; the samples now complete, float32 ``[k]``.

        Raises:
            InputError: another number of channels than the array has.
        """
        if samples.ndim != 2 or samples.shape[1] != self._array.channels:
            raise InputError(
                f"This array has {self._array.channels} microphones, not samples of shape "
                f"{list(samples.shape)}."
            )
        held = np.concatenate((self._held, samples))
        out = []
        at = 0
        while at + self._size <= len(held):
            out.append(self._frame(held[at : at + self._size]))
            at += self._hop
        self._held = held[at:]
        done = np.concatenate(out) if out else np.empty(0)
        early = min(self._early, len(done))
        self._early -= early
        return done[early:].astype(np.float32)

    def flush(self) -> Float:
        """The end: the samples held back."""
        rest = max(0, len(self._held) - self._hop) + (self._hop - self._early)
        padding = np.zeros((2 * self._size, self._array.channels), np.float32)
        done = self.push(padding)[:rest]
        self.restart()
        return done

    def _frame(self, samples: Float) -> NDArray[np.float64]:
        spectra = np.fft.rfft(samples * self._window[:, None], axis=0)
        if self._fixed is None:
            self._listen(spectra)
        direction = self._direction
        if direction is None:
            beam = spectra.mean(axis=1)
        else:
            delays = self._array.delays(np.array([direction]))[0]
            beam = (spectra * np.exp(-1j * self._radians[:, None] * delays[None])).mean(axis=1)
        frame = np.fft.irfft(beam, self._size) * self._window
        out = self._tail + frame[: self._hop]
        self._tail = frame[self._hop :]
        return out

    def _listen(self, spectra: NDArray[np.complex128]) -> None:
        """Follow the direction of the sound, where it comes from one direction at all."""
        used = spectra[self._used]
        first, second = self._pairs
        cross = (used[:, first] * used[:, second].conj()).T
        cross /= np.abs(cross) + 1e-12
        self._cross += _RENEWAL * (cross.astype(np.complex64) - self._cross)
        self._frames += 1
        if self._frames % _TURN and self._direction is not None:
            return
        response = (self._steering @ self._cross.reshape(-1)).real / self._cross.size
        best = int(np.argmax(response))
        self.confidence = float(response[best])
        if self.confidence > _COHERENT:
            self._direction = float(self._grid[best])

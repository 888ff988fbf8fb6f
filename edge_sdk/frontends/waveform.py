"""The samples themselves as features, for models that take a waveform."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .audio import check_samples
from .config import AudioFeaturesConfig

Float = NDArray[np.float32]


class Waveform:
    """Mono float32 samples in [-1, 1] at ``config.rate``, one a frame; as :class:`.LogMel`."""

    def __init__(self, config: AudioFeaturesConfig) -> None:
        self.config = config

    def frames(self, samples: int) -> int:
        """The number of frames that ``samples`` samples give: as many."""
        return samples

    def batch(self, x: NDArray[np.float32]) -> Float:
        """A whole recording: float32 ``[n]`` -> float32 ``[n, 1]``.

        Raises:
            InputError: ``x`` is not a one-dimensional float array or holds NaN or infinity.
        """
        return self.stream().push(x)

    def stream(self) -> WaveformStream:
        """A stream that gives the same frames as :meth:`batch`, chunk by chunk."""
        return WaveformStream(self.config)


class WaveformStream:
    """A waveform chunk by chunk; it holds nothing between calls."""

    def __init__(self, config: AudioFeaturesConfig) -> None:
        self._mean, self._scale = np.float32(config.mean), np.float32(config.scale)

    def push(self, x: NDArray[np.float32]) -> Float:
        """Samples, float32 ``[n]``, as frames ``[n, 1]``.

        Raises:
            InputError: as :meth:`Waveform.batch`.
        """
        frames: Float = ((check_samples(x) - self._mean) * self._scale)[:, None]
        return frames

    def flush(self) -> Float:
        """End the stream: ``[0, 1]``."""
        return np.empty((0, 1), np.float32)

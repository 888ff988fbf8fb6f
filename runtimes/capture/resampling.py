"""Band-limited resampling chunk by chunk, the same as of a whole recording."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_sdk.errors import DependencyError

Float = NDArray[np.float32]


class StreamResampler:
    """soxr at the quality that recordings are read with; costs some 20 ms of latency, no shift."""

    def __init__(self, source: int, target: int, channels: int) -> None:
        self._stream: Any = None
        self._channels = channels
        if source == target:
            return
        try:
            import soxr
        except ImportError as error:
            raise DependencyError(
                f"Resampling from {source} to {target} Hz needs the package soxr: pip install soxr."
            ) from error
        self._stream = soxr.ResampleStream(source, target, channels, dtype="float32", quality="HQ")

    def push(self, samples: Float) -> Float:
        """Add float32 ``[n, channels]``; what is complete, ``[k, channels]``."""
        if self._stream is None:
            return samples
        # soxr wants its rows in one piece, which chosen channels are not.
        return self._shaped(self._stream.resample_chunk(np.ascontiguousarray(samples)))

    def flush(self) -> Float:
        """The end of the stream: what was still held back."""
        if self._stream is None:
            return np.empty((0, self._channels), np.float32)
        empty = np.empty((0, self._channels), np.float32)
        return self._shaped(self._stream.resample_chunk(empty, last=True))

    def restart(self) -> None:
        """Begin anew, with nothing held."""
        if self._stream is not None:
            self._stream.clear()

    def _shaped(self, samples: Any) -> Float:
        shaped: Float = np.asarray(samples, np.float32).reshape(-1, self._channels)
        return shaped

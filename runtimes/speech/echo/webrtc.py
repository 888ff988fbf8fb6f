"""WebRTC's third echo canceller (AEC3): an adaptive filter that finds the delay by itself."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..packages import require
from ..protocol import RATE, Samples

_INSTALL = "pip install 'edge-sdk[assistant]'"


class WebRtcCanceller:
    """The echo canceller ``webrtc`` (pywebrtc-audio, Apache-2.0).

    A linear filter takes out what it can predict and a suppressor most of the rest, so somebody
    who talks at the same time sounds thinner. What comes out is 8 ms late.

    Raises:
        DependencyError: the package is missing.
    """

    def __init__(self) -> None:
        package: Any = require("pywebrtc_audio", _INSTALL)
        self._canceller = package.EchoCanceller(RATE)

    def cancel(self, heard: Samples, played: Samples) -> Samples:
        """``heard`` without the echo of ``played``, both ``[n]``."""
        cleaned: Samples = self._canceller.process(
            np.ascontiguousarray(heard, np.float32), np.ascontiguousarray(played, np.float32)
        )
        return cleaned

    def reset(self) -> None:
        """Forget the room."""
        self._canceller.reset()

    def close(self) -> None:
        """Release the filter."""
        del self._canceller

"""WebRTC's voice detector: a few microseconds a window, for weak boards."""

from __future__ import annotations

from collections import deque
from typing import Any

from edge_sdk.errors import UsageError

from ..packages import require
from ..pcm import pcm16
from ..protocol import RATE, Samples

_SMOOTH = 5


class WebRtcVad:
    """The voice detector ``webrtc`` (webrtcvad-wheels, MIT).

    It says yes or no; the share of yes over the last five windows stands for a probability.

    Args:
        aggressiveness: from 0, which takes much for speech, to 3, which takes little.

    Raises:
        DependencyError: the package is missing.
        UsageError: the aggressiveness is none of 0 to 3.
    """

    window = RATE * 30 // 1000

    def __init__(self, aggressiveness: int = 2) -> None:
        if aggressiveness not in (0, 1, 2, 3):
            raise UsageError(f"The aggressiveness of webrtc is 0 to 3, not {aggressiveness}.")
        package: Any = require("webrtcvad", "pip install 'edge-sdk[speech]'")
        self._vad = package.Vad(aggressiveness)
        self._last: deque[bool] = deque(maxlen=_SMOOTH)

    def probability(self, samples: Samples) -> float:
        """The share of the last windows that are speech."""
        pcm = pcm16(samples)
        self._last.append(bool(self._vad.is_speech(pcm, RATE)))
        return sum(self._last) / _SMOOTH

    def reset(self) -> None:
        """Forget the windows before."""
        self._last.clear()

"""openWakeWord's features: an embedding of 0.8 s of sound every 80 ms."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_sdk.runtimes.speech import RATE
from edge_sdk.runtimes.speech.packages import require
from edge_sdk.runtimes.speech.pcm import pcm16
from edge_sdk.runtimes.speech.protocol import Samples

#: Embeddings that a network of openWakeWord's looks at, and numbers in each.
WINDOW, WIDTH = 16, 96
STEP = RATE * 80 // 1000

Embeddings = NDArray[np.float16]


class Embedder:
    """The package's feature networks; not to be shared by threads.

    Raises:
        DependencyError: the package is missing.
    """

    def __init__(self) -> None:
        package: Any = require("pyopen_wakeword", "pip install 'edge-sdk[assistant]'")
        self._features = package.OpenWakeWordFeatures.from_builtin()

    def __call__(self, samples: Samples) -> tuple[Embeddings, NDArray[np.float32]]:
        """Embeddings ``[n, 96]`` of ``samples`` at 16 kHz, and the seconds ``[n]`` at which each is
        known in a stream."""
        self._features.reset()
        # Else it would look through eight seconds of silence first.
        self._features.new_audio_samples = 0
        rows, times = [], []
        for end in range(STEP, len(samples) + 1, STEP):
            for found in self._features.process_streaming(pcm16(samples[end - STEP : end])):
                for row in np.asarray(found, np.float32).reshape(-1, WIDTH):
                    rows.append(row)
                    times.append(end / RATE)
        return np.array(rows, np.float16).reshape(-1, WIDTH), np.array(times, np.float32)


def windows(embeddings: Embeddings) -> NDArray[np.float32]:
    """What the network sees one after another: float32 ``[n - 15, 16, 96]``."""
    if len(embeddings) < WINDOW:
        return np.zeros((0, WINDOW, WIDTH), np.float32)
    view = np.lib.stride_tricks.sliding_window_view(embeddings, WINDOW, axis=0)
    return view.transpose(0, 2, 1).astype(np.float32)

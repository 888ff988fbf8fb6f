"""What a phrase's network sees: openWakeWord's embeddings, sixteen at a time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge_sdk.runtimes.speech import RATE
from edge_sdk.runtimes.speech.protocol import Samples
from edge_sdk.runtimes.speech.wake.embeddings import STEP, WIDTH, SpeechEmbeddings

#: Embeddings that a network looks at.
WINDOW = 16

Embeddings = NDArray[np.float16]


def embed(stream: SpeechEmbeddings, samples: Samples) -> tuple[Embeddings, NDArray[np.float32]]:
    """Embeddings ``[n, 96]`` of ``samples`` at 16 kHz, and the seconds ``[n]`` at which each is
    known in a stream."""
    stream.reset()
    rows, times = [], []
    for end in range(STEP, len(samples) + 1, STEP):
        for found in stream.feed(samples[end - STEP : end]):
            for row in found.reshape(-1, WIDTH):
                rows.append(row)
                times.append(end / RATE)
    return np.array(rows, np.float16).reshape(-1, WIDTH), np.array(times, np.float32)


def windows(embeddings: Embeddings) -> NDArray[np.float32]:
    """What the network sees one after another: float32 ``[n - 15, 16, 96]``."""
    if len(embeddings) < WINDOW:
        return np.zeros((0, WINDOW, WIDTH), np.float32)
    view = np.lib.stride_tricks.sliding_window_view(embeddings, WINDOW, axis=0)
    return view.transpose(0, 2, 1).astype(np.float32)

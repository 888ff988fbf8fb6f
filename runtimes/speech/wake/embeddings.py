"""openWakeWord's features: a small embedding of 0.8 s of speech, every 80 ms."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from numpy import float32
from numpy.typing import NDArray

from ..packages import packaged, require
from ..pcm import pcm16
from ..protocol import RATE, Samples

INSTALL = "pip install 'edge-sdk[assistant]'"
#: Samples between two embeddings, and at most to be given at once.
STEP = RATE * 80 // 1000
#: Numbers in an embedding.
WIDTH = 96
_PINNED = {
    "models/melspectrogram.tflite": (
        "96fa0adccb6e8cf95cb14465409a1a2898ee4a96a85bb9ed3c7eb0e68bf163e8"
    ),
    "models/embedding_model.tflite": (
        "c0aea21eb84a4ce90a08c870da41b7a7173b45269e6a3207c71d67c40f3a59d8"
    ),
}


class SpeechEmbeddings:
    """The feature networks of pyopen-wakeword (Apache-2.0), on a stream; for one thread.

    Raises:
        DependencyError: the package is missing or not the one that was checked.
    """

    def __init__(self) -> None:
        package: Any = require("pyopen_wakeword", INSTALL)
        for file, digest in _PINNED.items():
            packaged("pyopen_wakeword", file, digest, INSTALL)
        self._features = package.OpenWakeWordFeatures.from_builtin()
        self.reset()

    def feed(self, samples: Samples) -> Iterator[NDArray[float32]]:
        """The embeddings ``[1, 1, k, 96]`` that up to :data:`STEP` more samples complete."""
        found: Iterator[NDArray[float32]] = self._features.process_streaming(pcm16(samples))
        return found

    def reset(self) -> None:
        """Forget what was heard so far."""
        self._features.reset()
        # Else it would look through eight seconds of silence first.
        self._features.new_audio_samples = 0

    def close(self) -> None:
        """Release the networks."""
        self._features.close()

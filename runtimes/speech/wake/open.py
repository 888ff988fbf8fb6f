"""openWakeWord: networks on Google's speech embedding, many of them trained by users."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_sdk.errors import UsageError

from ..packages import packaged, require
from ..pcm import pcm16
from ..protocol import RATE, Samples
from .hearings import Hearings

_INSTALL = "pip install 'edge-sdk[assistant]'"
# Samples between two times that the phrase is said.
_APART = RATE
# What the package's buffers take at once.
_MOST = 1280
# A quiet room's floor, and how much of it makes the first embedding.
_FLOOR, _LEAD = 1.6e-4, 11 * _MOST
_PINNED = {
    "models/okay_nabu.tflite": "2982cecde4ee81cc7a2573d2602a7d54f0669425c94a7b64af77e0ff92b03a18",
    "models/melspectrogram.tflite": (
        "96fa0adccb6e8cf95cb14465409a1a2898ee4a96a85bb9ed3c7eb0e68bf163e8"
    ),
    "models/embedding_model.tflite": (
        "c0aea21eb84a4ce90a08c870da41b7a7173b45269e6a3207c71d67c40f3a59d8"
    ),
}


class OpenWakeWord:
    """The wake word ``open`` (pyopen-wakeword, Apache-2.0).

    It takes five times what ``micro`` takes, and other things for its phrase than ``micro`` does,
    so that it can confirm what that one is not sure of. It looks at two seconds at a time, and
    answers 80 ms at a time.

    Args:
        model: ``okay_nabu``, or the path of an openWakeWord model's ``.tflite`` (the project's own
            are CC BY-NC-SA: not for commercial use).
        threshold: the probability from which the phrase counts as heard.
        at_once: take what was before the first sample for quiet, and answer from the first 80 ms
            on; otherwise it hears nothing in its first two seconds. For what is not always listened
            for: a stop phrase.

    Raises:
        DependencyError: the package is missing or not the one that was checked.
        UsageError: there is no such model, or the threshold is outside (0, 1).
    """

    def __init__(
        self, model: str = "okay_nabu", threshold: float = 0.5, at_once: bool = False
    ) -> None:
        package: Any = require("pyopen_wakeword", _INSTALL)
        self._hearings = Hearings(threshold, _APART)
        checked = {
            file: packaged("pyopen_wakeword", file, digest, _INSTALL)
            for file, digest in _PINNED.items()
        }
        path = checked["models/okay_nabu.tflite"] if model == "okay_nabu" else Path(model)
        if path.suffix != ".tflite" or not path.is_file():
            raise UsageError(
                f"There is no openWakeWord model {model!r}; known: okay_nabu, or a model's "
                ".tflite file."
            )
        self.phrase = path.stem.replace("_", " ").title()
        self.level = 0.0
        self._features = package.OpenWakeWordFeatures.from_builtin()
        self._model = package.OpenWakeWord.from_model(path)
        self._quiet: list[bytes] = []
        if at_once:
            self._settle()
        self.reset()

    def feed(self, samples: Samples) -> float | None:
        """The score where the phrase was heard; once each time it is said."""
        heard = None
        self.level = 0.0
        for start in range(0, len(samples), _MOST):
            part = samples[start : start + _MOST]
            self._hearings.pass_by(len(part))
            for embeddings in self._embeddings(pcm16(part)):
                for score in self._model.process_streaming(embeddings):
                    self.level = max(self.level, float(score))
                    heard = self._hearings.take(float(score)) or heard
        return heard

    def reset(self) -> None:
        """Forget what was heard so far."""
        self._features.reset()
        # Else it would look through eight seconds of silence first.
        self._features.new_audio_samples = 0
        self._model.reset()
        if self._quiet:
            # Not enough for an embedding, so it costs little.
            for part in self._quiet[:-1]:
                list(self._embeddings(part))
            # All that it looks at, but for what comes next.
            for _ in range(self._model.input_windows - 1):
                list(self._model.process_streaming(self._of_quiet))
        self._hearings.reset()

    def _settle(self) -> None:
        """Learn what a quiet room's embedding is."""
        floor = np.random.default_rng(0).normal(0, _FLOOR, _LEAD).astype(np.float32)
        self.reset()
        parts = [pcm16(floor[start : start + _MOST]) for start in range(0, _LEAD, _MOST)]
        *_, self._of_quiet = (found for part in parts for found in self._embeddings(part))
        self._quiet = parts

    def _embeddings(self, pcm: bytes) -> Iterator[NDArray[np.float32]]:
        found: Iterator[NDArray[np.float32]] = self._features.process_streaming(pcm)
        return found

    def close(self) -> None:
        """Release the networks."""
        self._features.close()
        self._model.close()

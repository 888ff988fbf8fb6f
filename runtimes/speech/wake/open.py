"""openWakeWord: networks on Google's speech embedding, many of them trained by users."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_sdk.errors import UsageError

from ..packages import packaged, require
from ..protocol import RATE, Samples
from .embeddings import INSTALL, STEP, SpeechEmbeddings
from .hearings import Hearings

# Samples between two times that the phrase is said.
_APART = RATE
# A quiet room's floor, and the steps of it that make the first embedding.
_FLOOR, _LEAD = 1.6e-4, 11
_OKAY_NABU = "2982cecde4ee81cc7a2573d2602a7d54f0669425c94a7b64af77e0ff92b03a18"


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
        package: Any = require("pyopen_wakeword", INSTALL)
        self._hearings = Hearings(threshold, _APART)
        path = Path(model)
        if model == "okay_nabu":
            path = packaged("pyopen_wakeword", "models/okay_nabu.tflite", _OKAY_NABU, INSTALL)
        if path.suffix != ".tflite" or not path.is_file():
            raise UsageError(
                f"There is no openWakeWord model {model!r}; known: okay_nabu, or a model's "
                ".tflite file."
            )
        self.phrase = path.stem.replace("_", " ").title()
        self.level = 0.0
        self._embeddings = SpeechEmbeddings()
        self._model = package.OpenWakeWord.from_model(path)
        self._quiet = _quiet(self._embeddings) if at_once else None
        self.reset()

    def feed(self, samples: Samples) -> float | None:
        """The score where the phrase was heard; once each time it is said."""
        heard = None
        self.level = 0.0
        for start in range(0, len(samples), STEP):
            part = samples[start : start + STEP]
            self._hearings.pass_by(len(part))
            for embeddings in self._embeddings.feed(part):
                for score in self._model.process_streaming(embeddings):
                    self.level = max(self.level, float(score))
                    heard = self._hearings.take(float(score)) or heard
        return heard

    def reset(self) -> None:
        """Forget what was heard so far."""
        self._embeddings.reset()
        self._model.reset()
        if self._quiet is not None:
            steps, embedding = self._quiet
            # Not enough for an embedding, so it costs little.
            for step in steps[:-1]:
                list(self._embeddings.feed(step))
            # All that it looks at, but for what comes next.
            for _ in range(self._model.input_windows - 1):
                list(self._model.process_streaming(embedding))
        self._hearings.reset()

    def close(self) -> None:
        """Release the networks."""
        self._embeddings.close()
        self._model.close()


def _quiet(embeddings: SpeechEmbeddings) -> tuple[list[Samples], NDArray[np.float32]]:
    """A quiet room until the first embedding is whole, a step each, and that embedding."""
    floor = np.random.default_rng(0).normal(0, _FLOOR, (_LEAD, STEP)).astype(np.float32)
    steps = list(floor)
    *_, last = (found for step in steps for found in embeddings.feed(step))
    return steps, last

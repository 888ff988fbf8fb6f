"""microWakeWord: small streaming networks on the device's CPU, four phrases in the package."""

from __future__ import annotations

from typing import Any

from edge_sdk.errors import UsageError

from ..packages import packaged, require
from ..pcm import pcm16
from ..protocol import Samples
from .hearings import Hearings

_INSTALL = "pip install 'edge-sdk[speech]'"
# Frames of 10 ms between two times that the phrase is said.
_APART = 100
_PINNED = {
    "alexa": "9011a8155b04de858c48038529235cbc0e42e9fca05a55bf588cb80a653a723b",
    "hey_jarvis": "21a7976add39ee24ec96c63d96b7aaa18e24d1d9824b963e451da8feb4b78b77",
    "hey_mycroft": "c2a9b6ed51182db72e014781d5a4ece1929dc232a40b5b4be384f0295f0e1571",
    "okay_nabu": "d89128c4d16a72de429119fb2254ce46649553c2a24f5dd840175c80d7b9d094",
}


class MicroWakeWord:
    """The wake word ``micro`` (pymicro-wakeword, Apache-2.0).

    Args:
        model: ``okay_nabu``, ``hey_jarvis``, ``hey_mycroft`` or ``alexa``; or the path of a
            model's ``.json``.
        threshold: the mean probability from which the phrase counts as heard; by default the
            model's own.

    Raises:
        DependencyError: the package is missing or not the one that was checked.
        UsageError: there is no such model, or the threshold is outside (0, 1).
    """

    def __init__(self, model: str = "okay_nabu", threshold: float | None = None) -> None:
        package: Any = require("pymicro_wakeword", _INSTALL)
        if model in _PINNED:
            packaged("pymicro_wakeword", f"models/{model}.tflite", _PINNED[model], _INSTALL)
            self._model = package.MicroWakeWord.from_builtin(package.Model(model))
        elif model.endswith(".json"):
            try:
                self._model = package.MicroWakeWord.from_config(model)
            except (OSError, ValueError, KeyError) as error:
                raise UsageError(f"{model} is no wake-word model: {error}.") from error
        else:
            known = ", ".join(_PINNED)
            raise UsageError(
                f"There is no wake-word model {model!r}; known: {known}, or a model's .json file."
            )
        self.phrase = str(self._model.wake_word)
        cutoff = float(self._model.probability_cutoff if threshold is None else threshold)
        self._hearings = Hearings(cutoff, _APART)
        self._features = package.MicroWakeWordFeatures()
        self._package = package
        self.level = 0.0

    def feed(self, samples: Samples) -> float | None:
        """The score where the phrase was heard; once each time it is said."""
        heard = None
        self.level = 0.0
        pcm = pcm16(samples)
        for features in self._features.process_streaming(pcm):
            # Between the network's steps the score is 0: only a while without one ends a phrase.
            score = self._model.process_streaming_prob(features) or 0.0
            self._hearings.pass_by(1)
            self.level = max(self.level, float(score))
            heard = self._hearings.take(float(score)) or heard
        return heard

    def reset(self) -> None:
        """Forget what was heard so far."""
        self._model.reset()
        self._features = self._package.MicroWakeWordFeatures()
        self._hearings.reset()

    def close(self) -> None:
        """Release the network."""
        self._model.close()

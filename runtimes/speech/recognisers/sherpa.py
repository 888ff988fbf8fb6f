"""sherpa-onnx: any of its offline models, from a folder the user has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edge_sdk.errors import InputError

from ..packages import require
from ..protocol import RATE, Samples, Transcript


class SherpaRecogniser:
    """The recogniser ``sherpa`` (sherpa-onnx, Apache-2.0), with a model folder of the user's.

    A folder with ``tokens.txt`` and either encoder, decoder and joiner (a transducer), encoder
    and decoder (Whisper), or one ``model*.onnx`` (CTC: NeMo, Zipformer...).

    Args:
        model: the folder.
        threads: threads of the CPU.

    Raises:
        DependencyError: the package is missing.
        InputError: the folder has no model of these kinds.
    """

    def __init__(self, model: str, threads: int = 2) -> None:
        package: Any = require("sherpa_onnx", "pip install sherpa-onnx")
        folder = Path(model)
        tokens = next(iter(sorted(folder.glob("*tokens.txt"))), None)
        if tokens is None:
            raise InputError(f"{folder} is no folder of a sherpa-onnx model: it has no tokens.txt.")
        files = {kind: _find(folder, kind) for kind in ("encoder", "decoder", "joiner", "model")}
        make = package.OfflineRecognizer
        common = {"tokens": str(tokens), "num_threads": threads}
        encoder, decoder, joiner = files["encoder"], files["decoder"], files["joiner"]
        try:
            if encoder and decoder and joiner:
                self._recogniser = make.from_transducer(
                    encoder=encoder, decoder=decoder, joiner=joiner, **common
                )
            elif encoder and decoder:
                self._recogniser = make.from_whisper(encoder=encoder, decoder=decoder, **common)
            elif files["model"]:
                self._recogniser = make.from_nemo_ctc(model=files["model"], **common)
            else:
                raise InputError(f"{folder} has no graphs that sherpa-onnx can decode with.")
        except (RuntimeError, ValueError) as error:
            raise InputError(f"sherpa-onnx cannot load {folder}: {error}.") from error

    def transcribe(self, samples: Samples) -> Transcript:
        """The words of one utterance."""
        stream = self._recogniser.create_stream()
        stream.accept_waveform(RATE, samples)
        self._recogniser.decode_stream(stream)
        return Transcript(str(stream.result.text).strip().lower())

    def close(self) -> None:
        """Release the model."""
        del self._recogniser


def _find(folder: Path, kind: str) -> str | None:
    """The graph of a kind; the int8 one where there are two."""
    found = sorted(folder.glob(f"*{kind}*.onnx"), key=lambda p: ("int8" not in p.name, p.name))
    return str(found[0]) if found else None

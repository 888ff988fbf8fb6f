"""Silero VAD (version 6) on ONNX Runtime."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..packages import packaged, require
from ..protocol import Samples

_INSTALL = "pip install 'edge-sdk[assistant]'"
_SHA256 = "4cbf549b8326f60f80f2536d9eefeb450a9abe83365a098031c89719f1be17d2"
# The network sees the end of the window before as well.
_CONTEXT = 64
_STATE = (1, 1, 128)


class SileroVad:
    """The voice detector ``silero`` (MIT; the weights come with faster-whisper).

    Raises:
        DependencyError: ONNX Runtime or the weights are missing, or not those that were checked.
    """

    window = 512

    def __init__(self) -> None:
        path = packaged("faster_whisper", "assets/silero_vad_v6.onnx", _SHA256, _INSTALL)
        runtime: Any = require("onnxruntime", "pip install 'edge-sdk[onnx]'")
        options = runtime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        self._session = runtime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )
        self._hidden: Any = np.zeros(_STATE, np.float32)
        self._cell: Any = np.zeros(_STATE, np.float32)
        self._before: Samples = np.zeros(_CONTEXT, np.float32)

    def probability(self, samples: Samples) -> float:
        """The probability that a window is speech."""
        whole = np.concatenate([self._before, samples])[None]
        given = {"input": whole, "h": self._hidden, "c": self._cell}
        found, self._hidden, self._cell = self._session.run(None, given)
        self._before = samples[-_CONTEXT:].copy()
        return float(np.asarray(found).reshape(-1)[0])

    def reset(self) -> None:
        """Forget the windows before."""
        self._hidden = np.zeros(_STATE, np.float32)
        self._cell = np.zeros(_STATE, np.float32)
        self._before = np.zeros(_CONTEXT, np.float32)

"""The audio way of a live stream that answers utterances: each as a whole, when it is over."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..speech.protocol import VoiceDetector
from ..speech.segmenter import Segmenter, SegmenterOptions, Utterance
from .encoder import AUDIO

if TYPE_CHECKING:
    from ..session import FusionSession

#: Utterances that wait at most; a reader that is slower gets the newest.
_WAITING = 8


class Utterances:
    """Takes sound as :class:`~.hearing.Hearing` does, and has something to encode once it is said.

    Between utterances the voice detector alone runs.

    Args:
        session: the session whose rung holds.
        detector: tells speech from anything else; takes sound at the model's rate.
        options: when an utterance begins and ends.
    """

    mode = "utterances"

    def __init__(
        self,
        session: FusionSession,
        detector: VoiceDetector,
        options: SegmenterOptions | None = None,
    ) -> None:
        self._session = session
        self._rate = session.frontends.audio.config.rate
        self._segmenter = Segmenter(detector, options)
        self._waiting: deque[tuple[Utterance, float]] = deque(maxlen=_WAITING)
        self._samples = 0
        self._end = float("-inf")
        self._covered = (float("-inf"), float("-inf"))

    @property
    def attentive(self) -> bool:
        """Whether pictures may be wanted: somebody speaks, or has just spoken."""
        return self._segmenter.speaking or bool(self._waiting)

    @property
    def hop_seconds(self) -> float:
        """The longest that an utterance waits for the end of its sound to be told."""
        return self._segmenter.options.end

    @property
    def newest(self) -> float:
        """When the last sample was captured, on the clock."""
        return self._end

    @property
    def hops(self) -> int:
        """How many utterances wait to be encoded."""
        return len(self._waiting)

    @property
    def covered(self) -> tuple[float, float]:
        """From and to, the sound that the last embedding rests on, on the clock."""
        return self._covered

    def push(self, samples: NDArray[np.float32], end: float) -> None:
        """Take samples, float32 ``[n]``, whose last one was captured at ``end``."""
        self._samples += len(samples)
        self._end = end
        found = self._segmenter.feed(samples)
        while found is not None:
            if isinstance(found, Utterance):
                self._waiting.append((found, end - (self._samples - found.end) / self._rate))
            found = self._segmenter.feed(samples[:0])

    def finish(self) -> None:
        """There is no more sound: what had begun is over."""
        found = self._segmenter.flush()
        if found is not None:
            self._waiting.append((found, self._end - (self._samples - found.end) / self._rate))

    def embed(self) -> NDArray[Any] | None:
        """Encode the newest utterance; None where there is none.

        Raises:
            EngineError: the engine failed; the utterance is lost.
        """
        if not self._waiting:
            return None
        utterance, end = self._waiting.pop()
        self._waiting.clear()
        self._covered = (end - len(utterance.samples) / self._rate, end)
        features = self._session.features(AUDIO, (utterance.samples, self._rate))
        return self._session.parts.encode(AUDIO, features)

    def skip(self) -> None:
        """Pass over what waits."""
        self._waiting.clear()

    def reset(self) -> None:
        """The sound has a hole: what was heard is another story."""
        self._segmenter.reset()
        self._samples = 0

    def prepare(self) -> None:
        """A rung's encoder is loaded with the rung."""

    def change(self) -> None:
        """The next utterance is the rung's."""

    def pace(self, hop_seconds: float) -> None:
        """An utterance is over when it is over."""

    def close(self) -> None:
        """Nothing is held."""

"""From an utterance and a frame to an answer: recognise, fuse, let a skill speak."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from time import perf_counter
from typing import Any

import msgspec
import numpy as np

from edge_sdk.errors import EdgeError

from ..capture import Frame
from ..prediction import Prediction
from ..session import FusionSession
from ..speech import RATE, Recogniser, Transcript
from ..speech.protocol import Samples
from ..speech.segmenter import Utterance
from .ahead import Ahead
from .skills import SILENT
from .turn import Answer, Home, Skill, Turn

_AGAIN = Answer(text="I did not understand. Say it again, please.")
_BROKEN = Answer(text="Something went wrong with that.", follow_up=False)


class Thought(msgspec.Struct, frozen=True, kw_only=True):
    """What was made of an utterance.

    Attributes:
        transcript: what was recognised, by the recogniser called ``recogniser``.
        prediction: what the model says; None: it failed.
        skill: who answered.
        answer: the answer.
        unsure: whether the assistant asks again.
        milliseconds: by stage.
        failures: (stage, sentence) of what failed on the way.
    """

    transcript: Transcript
    recogniser: str
    prediction: Prediction | None
    skill: str
    answer: Answer
    unsure: bool
    milliseconds: dict[str, float]
    failures: tuple[tuple[str, str], ...]


class Thinker:
    """Recogniser, session and skills together.

    Args:
        session: the converted bundle.
        recognisers: the usual one first, a lighter one behind it, by name; none where nobody can
            be heard.
        skills: (name, skill) by intent.
        home: what skills may use.
    """

    def __init__(
        self,
        session: FusionSession,
        recognisers: Mapping[str, Recogniser],
        skills: Mapping[str, tuple[str, Skill]],
        home: Home,
    ) -> None:
        self._session = session
        self._names = tuple(recognisers)
        self._recognising = Ahead(recognisers, home.config.segmenter)
        self._skills, self._home = skills, home
        self._unsure = 0
        #: Which recogniser is used; a governor may take the lighter one.
        self.recogniser = next(iter(self._names), "")

    @property
    def recognisers(self) -> tuple[str, ...]:
        """The names of the recognisers, the usual one first."""
        return self._names

    def expect(self, samples: Samples) -> None:
        """Begin to recognise ``samples`` ``[n]``: it looks as if no more will be said."""
        self._recognising.expect(self.recogniser, samples)

    def think(self, number: int, utterance: Utterance, frame: Frame | None) -> Thought:
        """Answer an utterance and the frame that belongs to it."""
        samples = utterance.samples
        failures: list[tuple[str, str]] = []
        milliseconds: dict[str, float] = {}
        name = self.recogniser

        def timed(stage: str, work: Callable[[], Any]) -> Any:
            started = perf_counter()
            try:
                return work()
            # A third party's component may raise anything, and the loop must go on.
            except Exception as error:
                failures.append((stage, _sentence(error)))
                return None
            finally:
                milliseconds[stage] = (perf_counter() - started) * 1000

        said = utterance.spoken
        transcript = timed("recognise", lambda: self._recognising.transcribe(name, said))
        transcript = transcript or Transcript("", 0.0)
        wordless = not transcript.text and not failures
        prediction = timed("fuse", lambda: self._fuse(samples, frame, transcript))
        skill, answer, unsure = "none", _BROKEN, False
        if prediction is not None:
            turn = Turn(
                number=number,
                transcript=transcript,
                prediction=prediction,
                seen="image" in prediction.used,
            )
            # A noise that the voice detector took for speech has no words, and wants no answer.
            skill, unsure = (SILENT, False) if wordless else self._choose(turn)
            answer = (
                _AGAIN
                if unsure
                else timed("skill", lambda: self._answer(turn, wordless)) or _BROKEN
            )
            # Twice in a row nobody means it: asking for ever would be a nuisance.
            self._unsure = self._unsure + 1 if unsure else 0
            if self._unsure > 1:
                answer = Answer(follow_up=False)
        return Thought(
            transcript=transcript,
            recogniser=name,
            prediction=prediction,
            skill=skill,
            answer=answer,
            unsure=unsure,
            milliseconds=milliseconds,
            failures=tuple(failures),
        )

    def warm(self) -> None:
        """Do everything once with silence: what is done for the first time takes longer.

        What fails here will say so when somebody asks.
        """
        quiet = np.zeros(RATE // 2, np.float32)
        with contextlib.suppress(Exception):
            self._recognising.warm(self.recogniser, quiet)
        with contextlib.suppress(EdgeError):
            self._fuse(quiet, None, Transcript("what"))

    def close(self) -> None:
        """Release the recognisers."""
        self._recognising.close()

    def _fuse(self, samples: Samples, frame: Frame | None, transcript: Transcript) -> Prediction:
        offered = {
            "audio": (samples, RATE),
            "image": None if frame is None else frame.image,
            "text": transcript.text or None,
        }
        given = {name: offered.get(name) for name in self._session.modalities}
        return self._session.infer(**given)  # type: ignore[arg-type]

    def _choose(self, turn: Turn) -> tuple[str, bool]:
        """The name of the skill, and whether the model is too unsure to let it answer."""
        found = turn.head(self._home.config.heads.intent)
        if found is None:
            return "none", True
        intent, confidence = found
        name = self._skills[intent][0]
        return name, name != SILENT and confidence < self._home.config.thresholds.intent

    def _answer(self, turn: Turn, wordless: bool) -> Answer:
        if wordless:
            return Answer()
        found = turn.head(self._home.config.heads.intent)
        assert found is not None
        return self._skills[found[0]][1](turn, self._home)


def _sentence(error: Exception) -> str:
    return str(error) if isinstance(error, EdgeError) else f"{type(error).__name__}: {error}"

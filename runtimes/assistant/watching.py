"""Says unasked what the camera sees: for an assistant that nobody can ask, without a microphone."""

from __future__ import annotations

from edge_sdk.errors import EdgeError

from ..capture import Frame, FrameSource, StreamEnded
from ..session import FusionSession
from ..speech import Transcript
from .events import Answered, Failed, Understood
from .loop import Assistant
from .skills.card import what_is_this
from .turn import Home, Turn

# Seconds between two looks, and looks in a row that make a thing be there, or gone.
_LOOK = 0.5
_STEADY = 3


class Watching:
    """Looks on each pass of the loop, and names a thing once each time that it comes.

    Args:
        assistant: whose loop it runs in, and who speaks.
        session: the bundle; it answers from the picture alone.
        home: names and thresholds.
        camera: what it looks through.
    """

    def __init__(
        self, assistant: Assistant, session: FusionSession, home: Home, camera: FrameSource
    ) -> None:
        self._assistant, self._session, self._home = assistant, session, home
        self._camera = camera
        self._due = float("-inf")
        self._seen: str | None = None
        self._row = self._turns = 0
        self._said: str | None = None
        self._failed = ""
        assistant.beat(self._beat)

    def _beat(self) -> None:
        now = self._camera.clock.now()
        if now < self._due or self._assistant.state != "idle":
            return
        self._due = now + _LOOK
        try:
            frame = self._camera.newest()
            if frame is not None and now - frame.time <= self._home.config.frame_age:
                self._look(frame, now)
        except StreamEnded:
            return
        except EdgeError as error:
            # Once, not at every look.
            if str(error) != self._failed:
                self._failed = str(error)
                self._assistant.tell(Failed(now, "camera", str(error)))

    def _look(self, frame: Frame, now: float) -> None:
        turn = Turn(
            number=self._turns + 1,
            transcript=Transcript(""),
            prediction=self._session.infer(image=frame.image),
            seen=True,
        )
        label = self._thing(turn)
        self._row = self._row + 1 if label == self._seen else 1
        self._seen = label
        if self._row < _STEADY or label == self._said:
            return
        self._said = label
        if label is None:
            return
        self._turns += 1
        heads = {
            name: (head.label, round(head.confidence, 4))
            for name, head in turn.prediction.heads.items()
        }
        answer = what_is_this(turn, self._home)
        self._assistant.tell(
            Understood(now, turn.number, heads, turn.prediction.used, now - frame.time)
        )
        self._assistant.tell(Answered(now, turn.number, "what-is-this", answer.text))
        self._assistant.announce(answer.text)

    def _thing(self, turn: Turn) -> str | None:
        """The label of what is there; None: nothing, or nothing that is known."""
        config = self._home.config
        found = turn.head(config.heads.object)
        if found is None or found[0] in config.nothing:
            return None
        return found[0] if found[1] >= config.thresholds.object else None

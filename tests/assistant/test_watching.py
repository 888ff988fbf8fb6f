"""Without a microphone: it names a thing once each time that it comes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from edge_sdk.errors import InputError
from edge_sdk.runtimes.assistant.events import Answered, Failed, Understood
from edge_sdk.runtimes.assistant.watching import Watching
from edge_sdk.runtimes.capture import NoMicrophone

from .parts import Stage
from .test_loop import QUIET, of

FROG, OWL = ("not-for-me", 0.9, "frog", 0.9), ("not-for-me", 0.9, "owl", 0.9)
NOTHING, UNSURE = ("not-for-me", 0.9, "nothing", 0.9), ("not-for-me", 0.9, "frog", 0.34)


def _shown(answers: Sequence[Any], camera_age: float = 0.1) -> tuple[Stage, list[Any]]:
    """What it does where the model sees ``answers``, look by look."""
    stage = Stage(np.zeros(0, np.float32), answers, config=QUIET, camera_age=camera_age)
    session: Any = stage.session
    waiting = session._answers
    end = len(answers)
    microphone = NoMicrophone(
        clock=stage.clock, over=lambda: not waiting or stage.clock.now() > end
    )
    stage.use_microphone(microphone)
    Watching(stage.assistant, session, stage.home, stage.camera)
    return stage, stage.play()


def test_a_thing_is_named_once_while_it_is_there() -> None:
    stage, events = _shown([FROG] * 12)
    assert [event.text for event in of(Answered, events)] == ["This is a frog."]
    assert of(Understood, events)[0].used == ("image",)
    assert len(stage.speaker.heard) == 1


def test_each_thing_is_named_and_again_when_it_comes_back() -> None:
    _, events = _shown([*[FROG] * 4, *[OWL] * 4, *[NOTHING] * 4, *[OWL] * 4])
    said = [event.text for event in of(Answered, events)]
    assert said == ["This is a frog.", "This is an owl.", "This is an owl."]


def test_a_glimpse_and_a_guess_are_nothing() -> None:
    stage, events = _shown([FROG, FROG, NOTHING, *[UNSURE] * 6])
    assert of(Answered, events) == []
    assert stage.speaker.heard == []


def test_an_old_frame_is_not_looked_at() -> None:
    stage, _ = _shown([FROG] * 3, camera_age=9.0)
    assert stage.session.given == []


def test_a_model_that_fails_is_said_once() -> None:
    _, events = _shown([InputError("too small")] * 3 + [FROG] * 4)
    assert [event.sentence for event in of(Failed, events)] == ["too small"]
    assert len(of(Answered, events)) == 1

"""The state machine, with scripted components on a virtual clock."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest

from edge_sdk.errors import DeviceError, InputError
from edge_sdk.runtimes.assistant.config import AssistantConfig
from edge_sdk.runtimes.assistant.events import (
    Answered,
    AssistantEvent,
    Failed,
    Happened,
    Heard,
    NothingSaid,
    SelfHeard,
    SpeechEnded,
    SpeechStarted,
    StateChanged,
    TimerRang,
    Understood,
    Woken,
)
from edge_sdk.runtimes.assistant.timers import Timers
from edge_sdk.runtimes.capture import Back, CaptureEvent, Unplugged
from edge_sdk.runtimes.speech import Speech

from .parts import SILENCE, SPEECH, STOP, WAKE, Stage, Swallowing, sound

E = TypeVar("E", bound=AssistantEvent)
QUIET = AssistantConfig(tone=False, follow_up=0)
TURN = ((WAKE, 0.5), (SILENCE, 0.2), (SPEECH, 1.0), (SILENCE, 3.0))
FROG = ("what-is-this", 0.9, "frog", 0.9)


def of(kind: type[E], events: Sequence[AssistantEvent]) -> list[E]:
    return [event for event in events if isinstance(event, kind)]


def states(events: Sequence[AssistantEvent]) -> list[str]:
    return [event.after for event in of(StateChanged, events)]


def test_a_turn_goes_through_all_states_and_speaks_the_answer() -> None:
    stage = Stage(sound((SILENCE, 1.0), *TURN), [FROG], config=QUIET)
    events = stage.play()
    assert states(events) == ["listening", "thinking", "speaking", "idle"]
    assert [event.text for event in of(Answered, events)] == ["This is a frog."]
    assert len(stage.speaker.heard) == 1
    assert stage.microphone.stopped == 1


def test_without_the_wake_word_nothing_is_listened_to() -> None:
    stage = Stage(sound((SILENCE, 1.0), (SPEECH, 2.0), (SILENCE, 2.0)))
    assert stage.play() == []
    assert stage.session.given == []


def test_the_times_of_an_utterance_are_those_of_the_sound() -> None:
    stage = Stage(sound((SILENCE, 1.0), *TURN), [FROG], config=QUIET)
    (heard,) = of(Heard, stage.play())
    assert heard.speech_end == pytest.approx(2.7, abs=0.05)
    assert heard.time == pytest.approx(2.7 + QUIET.segmenter.end, abs=0.15)


def test_a_command_right_after_the_tone_is_heard_as_it_was_said() -> None:
    canceller = Swallowing()
    heard = sound((SILENCE, 1.0), (WAKE, 0.5), (SPEECH, 1.0), (SILENCE, 3.0))
    config = AssistantConfig(tone=True, follow_up=0)
    stage = Stage(heard, [FROG], config=config, voice=0.5, canceller=canceller)
    events = stage.play()
    assert [event.text for event in of(Answered, events)] == ["This is a frog."]
    assert of(Heard, events)[0].seconds >= 1.0
    # The answer it does get.
    assert canceller.given
    assert max(canceller.given) == 0.0


def test_a_follow_up_needs_no_wake_word() -> None:
    heard = sound((SILENCE, 1.0), *TURN, (SPEECH, 1.0), (SILENCE, 6.0))
    events = Stage(heard, [FROG, ("time", 0.9, "frog", 0.9)]).play()
    assert [event.skill for event in of(Answered, events)] == ["what-is-this", "time"]
    assert len(of(Woken, events)) == 1
    assert len(of(NothingSaid, events)) == 1
    assert states(events)[-1] == "idle"


def test_nothing_said_after_the_wake_word_ends_in_idle() -> None:
    events = Stage(sound((SILENCE, 1.0), (WAKE, 0.5), (SILENCE, 7.0))).play()
    assert states(events) == ["listening", "idle"]
    assert len(of(NothingSaid, events)) == 1


LONG = ("volume-up", 0.9, "frog", 0.9)


def _interrupted(word: float) -> tuple[Stage, list[AssistantEvent]]:
    """The word comes 0.1 s into an answer of half a second or more."""
    heard = sound((SILENCE, 1.0), (WAKE, 0.5), (SILENCE, 0.2), (SPEECH, 1.0), (SILENCE, 0.66))
    heard = np.concatenate([heard, sound((word, 0.16), (SILENCE, 8.0))])
    stage = Stage(heard, [LONG], config=AssistantConfig(tone=False, follow_up=0))
    return stage, stage.play()


def test_stop_cuts_the_answer_short() -> None:
    stage, events = _interrupted(STOP)
    (ended,) = of(SpeechEnded, events)
    (started,) = of(SpeechStarted, events)
    assert ended.cut == "stop"
    assert 0 < ended.time - started.time < started.seconds
    assert states(events)[-1] == "idle"
    ((_, speech, _),) = stage.speaker.heard
    assert len(speech.samples) / speech.rate == pytest.approx(ended.time - started.time, abs=0.01)


def test_the_wake_word_cuts_the_answer_short_and_listens() -> None:
    _, events = _interrupted(WAKE)
    assert [event.barged_in for event in of(Woken, events)] == [False, True]
    assert of(SpeechEnded, events)[0].cut == "wake up"
    assert states(events)[3:] == ["listening", "idle"]


def test_stop_means_nothing_while_nobody_speaks() -> None:
    assert Stage(sound((SILENCE, 1.0), (STOP, 0.5), (SILENCE, 1.0))).play() == []


def test_it_does_not_wake_itself() -> None:
    """What it says is at the level of the wake word, and comes back by the microphone."""
    turn = ((WAKE, 0.48), (SILENCE, 0.24), (SPEECH, 1.0), (SILENCE, 0.72))
    own = ((WAKE, 0.48), (SILENCE, 3.0))
    events = Stage(sound((SILENCE, 0.96), *turn, *own), [FROG], config=QUIET, voice=WAKE).play()
    assert len(of(SelfHeard, events)) == 1
    assert len(of(Woken, events)) == 1
    assert of(SpeechEnded, events)[0].cut is None


def test_an_unsure_model_asks_again_and_then_gives_up() -> None:
    heard = sound((SILENCE, 1.0), *TURN, (SPEECH, 1.0), (SILENCE, 6.0))
    unsure = ("time", 0.3, "frog", 0.9)
    events = Stage(heard, [unsure, unsure]).play()
    first, second = of(Answered, events)
    assert "again" in first.text
    assert second.text == ""


def test_what_is_not_for_it_is_not_answered_however_unsure() -> None:
    stage = Stage(sound((SILENCE, 1.0), *TURN), [("not-for-me", 0.3, "frog", 0.9)])
    events = stage.play()
    assert of(Answered, events)[0].text == ""
    assert stage.speaker.heard == []


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (("what-is-this", 0.9, "frog", 0.345), "not sure"),
        (("what-is-this", 0.9, "frog", 0.5), "I think it is a frog"),
        (("what-is-this", 0.9, "nothing", 0.9), "do not see"),
        (("time", 0.9, "frog", 0.9), "12 05"),
        (("repeat", 0.9, "frog", 0.9), "not said anything"),
        (("volume-up", 0.9, "frog", 0.9), "85 percent"),
    ],
)
def test_answers_say_no_more_than_was_recognised(
    answer: tuple[str, float, str, float], words: str
) -> None:
    events = Stage(sound((SILENCE, 1.0), *TURN), [answer], config=QUIET).play()
    assert words in of(Answered, events)[0].text


def test_the_volume_is_that_of_the_speaker() -> None:
    stage = Stage(sound((SILENCE, 1.0), *TURN), [LONG], config=QUIET)
    stage.play()
    assert stage.speaker.volume == 85


@pytest.mark.parametrize("age", [None, 9.0])
def test_without_a_fresh_frame_the_answer_rests_on_the_rest(age: float | None) -> None:
    stage = Stage(sound((SILENCE, 1.0), *TURN), [FROG], config=QUIET, camera_age=age)
    events = stage.play()
    assert of(Understood, events)[0].used == ("audio", "text")
    assert "camera" in of(Answered, events)[0].text


def test_a_recogniser_that_fails_costs_the_text_alone() -> None:
    stage = Stage(sound((SILENCE, 1.0), *TURN), [FROG], [RuntimeError("broken")], config=QUIET)
    events = stage.play()
    assert [event.stage for event in of(Failed, events)] == ["recognise"]
    assert of(Understood, events)[0].used == ("audio", "image")
    assert of(Answered, events)[0].text == "This is a frog."


def test_a_noise_without_words_is_not_answered() -> None:
    stage = Stage(sound((SILENCE, 1.0), *TURN), [FROG], [""], config=QUIET)
    events = stage.play()
    (answered,) = of(Answered, events)
    assert (answered.skill, answered.text) == ("not-for-me", "")
    assert stage.speaker.heard == []


def test_a_model_that_fails_is_said_and_the_loop_goes_on() -> None:
    heard = sound((SILENCE, 1.0), *TURN, *TURN)
    stage = Stage(heard, [InputError("too short"), FROG], config=QUIET)
    events = stage.play()
    assert of(Failed, events)[0].sentence == "too short"
    first, second = of(Answered, events)
    assert "went wrong" in first.text
    assert second.text == "This is a frog."


def test_a_timer_rings_when_it_is_due_and_not_into_an_answer() -> None:
    heard = sound((SILENCE, 1.0), *TURN, (SILENCE, 8.0))
    stage = Stage(
        heard, [("timer", 0.9, "frog", 0.9)], ["set a timer for two seconds"], config=QUIET
    )
    events = stage.play()
    (rang,) = of(TimerRang, events)
    (answered, *_) = of(Answered, events)
    assert rang.time >= answered.time + 2.0
    assert rang.time == pytest.approx(answered.time + 2.0, abs=0.2)
    assert len(stage.speaker.heard) == 2
    ((begin, said, _), (ring, _, _)) = stage.speaker.heard
    assert ring >= begin + len(said.samples) / said.rate


def _rings(*after: tuple[float, float]) -> tuple[Stage, list[AssistantEvent]]:
    answers = [("timer", 0.9, "frog", 0.9)] * 2
    heard = sound((SILENCE, 1.0), *TURN, *after)
    stage = Stage(heard, answers, ["set a timer for two seconds"], config=QUIET)
    return stage, stage.play()


def test_a_timer_rings_as_soon_as_the_speaker_plays_again() -> None:
    stage = Stage(sound((SILENCE, 40.0)), config=QUIET)
    stage.timers.set("tea", 1.0)
    play, refused = stage.speaker.play, [DeviceError("unplugged")] * 2

    def flaky(speech: Speech) -> None:
        if refused:
            raise refused.pop()
        play(speech)

    stage.speaker.play = flaky  # type: ignore[method-assign]
    events = stage.play()
    assert [event.sentence for event in of(Failed, events)] == ["unplugged"] * 2
    assert len(of(TimerRang, events)) == 3
    (ring,) = stage.speaker.heard
    assert 30 < ring[0] < 35
    assert len(stage.timers) == 0


def test_timers_that_cannot_be_kept_are_said_and_the_loop_goes_on(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    stage = Stage(sound((SILENCE, 5.0)), config=QUIET)
    stage.home.timers = Timers(lambda: 1e9 + stage.clock.now(), tmp_path / "file" / "timers.json")
    stage.home.timers.set("tea", 1.0)
    events = stage.play()
    assert of(Failed, events)[0].stage == "timers"
    assert len(of(SpeechStarted, events)) == 1


def test_a_timer_rings_three_times() -> None:
    stage, events = _rings((SILENCE, 12.0))
    ring = stage.speaker.heard[-1][1].samples
    # 0.7 s of words each time, at the level of the scripted voice.
    assert np.isclose(ring, 0.05, atol=1e-6).sum() == pytest.approx(3 * 0.7 * 16000, rel=0.05)
    assert of(SpeechEnded, events)[-1].cut is None


@pytest.mark.parametrize(("word", "state"), [(STOP, "idle"), (WAKE, "listening")])
def test_stop_or_the_wake_word_ends_the_ringing(word: float, state: str) -> None:
    _, events = _rings((SILENCE, 2.0), (word, 0.16), (SILENCE, 2.0))
    (rang,) = of(TimerRang, events)
    ended = of(SpeechEnded, events)[-1]
    assert ended.cut is not None
    assert 0 < ended.time - rang.time < 3
    assert states(events)[-1] == state


def test_the_wake_word_in_a_follow_up_window_begins_anew() -> None:
    heard = sound((SILENCE, 1.0), *TURN, (WAKE, 0.5), (SILENCE, 0.2), (SPEECH, 1.0), (SILENCE, 9.0))
    events = Stage(heard, [FROG, ("time", 0.9, "frog", 0.9)]).play()
    assert [event.skill for event in of(Answered, events)] == ["what-is-this", "time"]
    assert [event.barged_in for event in of(Woken, events)] == [False, False]


def test_stop_said_while_it_thinks_ends_the_answer() -> None:
    """The sound waits while it thinks; the answer is cut as soon as that is heard."""
    heard = sound((SILENCE, 1.0), (WAKE, 0.5), (SILENCE, 0.2), (SPEECH, 1.0), (SILENCE, 0.9))
    heard = np.concatenate([heard, sound((STOP, 0.16), (SILENCE, 5.0))])
    stage = Stage(heard, [LONG], config=QUIET)

    def think(event: AssistantEvent) -> None:
        if isinstance(event, StateChanged) and event.after == "thinking":
            stage.clock.move_to(stage.clock.now() + 1.5)

    stage.assistant.listen(think)
    events = stage.play()
    assert [event.cut for event in of(SpeechEnded, events)] == ["stop"]
    assert of(SpeechEnded, events)[0].time == of(SpeechStarted, events)[0].time
    assert states(events)[-1] == "idle"


def test_a_speaker_that_vanishes_does_not_hold_the_loop() -> None:
    stage = Stage(sound((SILENCE, 1.0), *TURN, (SILENCE, 6.0), *TURN), [FROG] * 2, config=QUIET)
    play = stage.speaker.play
    stage.speaker.play = lambda speech: None  # type: ignore[method-assign]

    def back(event: AssistantEvent) -> None:
        if isinstance(event, Failed):
            stage.speaker.play = play  # type: ignore[method-assign]

    stage.assistant.listen(back)
    events = stage.play()
    assert [event.stage for event in of(Failed, events)] == ["speak"]
    assert len(of(Answered, events)) == 2
    assert len(of(SpeechEnded, events)) == 1


def test_a_microphone_that_goes_and_comes_is_told_and_the_loop_goes_on() -> None:
    stage = Stage(sound((SILENCE, 1.0), *TURN), [FROG], config=QUIET)
    waiting: list[CaptureEvent] = [
        Unplugged("scripted", 0.5, "gone"),
        Back("scripted", 0.7, 0.2, 1),
    ]
    stage.microphone.events = lambda: (waiting.pop(0),) if waiting else ()  # type: ignore[method-assign]
    events = stage.play()
    assert [event.what.split(":")[0] for event in of(Happened, events)] == [
        "Unplugged",
        "Back",
    ]
    assert len(of(Answered, events)) == 1


def test_it_announces_what_it_is_told_to_when_it_is_idle() -> None:
    stage = Stage(sound((SILENCE, 1.0), *TURN), [FROG], config=QUIET)

    def thinking(event: AssistantEvent) -> None:
        if isinstance(event, Heard):
            stage.assistant.announce("dinner is ready")

    stage.assistant.listen(thinking)
    events = stage.play()
    assert [event.text for event in of(SpeechStarted, events)] == [
        "This is a frog.",
        "dinner is ready",
    ]
    assert of(SpeechStarted, events)[1].time >= of(SpeechEnded, events)[0].time


def test_an_utterance_that_the_stream_cuts_off_is_answered() -> None:
    heard = sound((SILENCE, 1.0), (WAKE, 0.5), (SILENCE, 0.2), (SPEECH, 1.0))
    assert len(of(Answered, Stage(heard, [FROG], config=QUIET).play())) == 1


def test_stop_from_outside_ends_the_loop_and_releases_the_microphone() -> None:
    stage = Stage(sound((SILENCE, 100.0)))
    stage.assistant.tap(lambda samples, end: stage.assistant.stop() if end > 2 else None)
    stage.play()
    assert stage.clock.now() < 3
    assert stage.microphone.stopped == 1

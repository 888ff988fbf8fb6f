"""Live streams that answer utterances: once each, as a whole, when they are over."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from edge_sdk import FusionSession
from edge_sdk.errors import UsageError
from edge_sdk.runtimes.capture import ReplayAudio, VirtualClock
from edge_sdk.runtimes.streaming.events import Decision, DecisionsLost, Ended

from .streams import SOUND, Devices, decisions, until

EVERY, LENGTH = 2.5, 1.0


def bursts(first: int, count: int) -> NDArray[np.float32]:
    """A second of sound at the beginning of each two and a half."""
    at = np.arange(first, first + count)
    said = (at % round(EVERY * 16000)) < LENGTH * 16000
    found: NDArray[np.float32] = (SOUND[at % len(SOUND)] * said).astype(np.float32)[:, None]
    return found


class Loud:
    """A voice detector that takes what is loud for speech."""

    window = 512

    def probability(self, samples: NDArray[np.float32]) -> float:
        return float(np.abs(samples).max() > 1e-4)

    def reset(self) -> None:
        pass


def test_an_utterance_is_answered_once_as_a_whole(session: FusionSession) -> None:
    devices = Devices(sound=bursts, camera={"fps": 15.0})
    with session.stream(
        microphone=devices.microphone, camera=devices.camera, utterances=Loud()
    ) as stream:
        assert stream.mode == "utterances"
        made = decisions(until(stream, 8.0))
        counters = stream.counters()
    assert len(made) == 4
    for number, one in enumerate(made):
        assert one.window is not None
        assert one.prediction.used == ("audio", "image")
        first, last = (round((moment - 100.0) * 16000) for moment in one.window)
        # What was said, what was kept from before it, and the silence that ended it.
        assert first / 16000 <= max(0.0, number * EVERY) + 1e-6
        assert number * EVERY + LENGTH + 0.5 < last / 16000 < number * EVERY + LENGTH + 0.8
        assert one.data_age <= 0.16
    # Nobody looks while nobody speaks.
    assert counters.encoded < 0.75 * 100
    assert counters.lost == 0


def test_its_embedding_is_that_of_the_utterance(session: FusionSession) -> None:
    devices = Devices(sound=bursts)
    with session.stream(microphone=devices.microphone, utterances=Loud()) as stream:
        made = decisions(until(stream, 8.0))
    for one in made:
        assert one.window is not None
        first, last = (round((moment - 100.0) * 16000) for moment in one.window)
        wanted = session.infer(audio=(bursts(first, last - first)[:, 0], 16000))
        for name, head in wanted.heads.items():
            got: Any = one.prediction.heads[name].probabilities
            assert got == pytest.approx(head.probabilities, abs=1e-4)


def test_a_slow_reader_is_answered_the_newest_and_told_of_the_others(
    session: FusionSession,
) -> None:
    devices = Devices(sound=bursts)
    with session.stream(microphone=devices.microphone, utterances=Loud()) as stream:
        until(stream, 2.0)
        devices.clock.sleep(10.0)
        events = until(stream, 14.5)
    lost = sum(event.count for event in events if isinstance(event, DecisionsLost))
    made = decisions(events)
    assert lost >= 2
    assert made[0].window is not None
    assert made[0].window[1] > 108.0


def test_sound_that_has_a_hole_is_no_utterance_across_it(session: FusionSession) -> None:
    # As where a machine was asleep in the middle of a word.
    devices = Devices(sound=bursts, gaps=((102.9, 152.9),))
    with session.stream(microphone=devices.microphone, utterances=Loud()) as stream:
        until(stream, 2.8)
        devices.clock.sleep(50.0)
        made = decisions(until(stream, 58.0))
    assert made
    for one in made:
        assert one.window is not None
        assert one.window[1] < 103.0 or one.window[0] > 152.0


def test_what_was_being_said_at_the_end_of_a_recording_is_answered(
    session: FusionSession, tmp_path: Path
) -> None:
    soundfile.write(tmp_path / "said.wav", bursts(0, 56000), 16000)
    microphone = ReplayAudio(tmp_path / "said.wav", block=640, clock=VirtualClock())
    events = list(session.stream(microphone=microphone, utterances=Loud()))
    assert len(decisions(events)) == 2
    assert isinstance(events[-2], Decision)
    assert isinstance(events[-1], Ended)


def test_utterances_need_a_microphone(session: FusionSession) -> None:
    with pytest.raises(UsageError, match="heard by a microphone"):
        session.stream(camera=Devices().camera, utterances=Loud())

"""Live streams on a virtual clock: what is answered, when, and on what."""

from __future__ import annotations

import pytest

from edge_sdk import FusionSession
from edge_sdk.errors import UsageError
from edge_sdk.runtimes.capture import (
    Microphone,
    MonotonicClock,
    SimulatedInput,
)
from edge_sdk.runtimes.governor import Level, Move, Seen
from edge_sdk.runtimes.streaming.events import (
    Decision,
    Ended,
    Moved,
    plain_event,
)
from edge_sdk.runtimes.streaming.options import StreamOptions

from .streams import HOP, SOUND, Devices, decisions, seen, until


def test_every_hop_is_answered_on_the_frame_nearest_to_it(session: FusionSession) -> None:
    devices = Devices(camera={"fps": 15.0})
    with session.stream(
        microphone=devices.microphone, camera=devices.camera, text="stop"
    ) as stream:
        events = until(stream, 6.0)
    made = decisions(events)
    assert [one.number for one in made] == list(range(len(made)))
    # 75 hops, but for the window of the first frame.
    assert 73 <= len(made) <= 75
    last = made[-1]
    assert last.prediction.used == ("audio", "image", "text")
    assert all(one.data_age <= HOP for one in made)
    assert all(abs(one.frame_age) <= 0.11 for one in made[3:] if one.frame_age is not None)
    begin, end = last.window or (0, 0)
    assert 1.4 < end - begin < 2.1
    assert (last.rung, last.level, last.late) == ("full", "", False)
    counters = stream.counters()
    assert (counters.decisions, counters.lost, counters.masked) == (len(made), 0, 0)
    # 15 frames a second come, 10 are wanted.
    assert 50 <= counters.encoded <= 62


def test_an_answer_is_that_of_the_sound_and_the_frame_it_names(session: FusionSession) -> None:
    devices = Devices()
    with session.stream(microphone=devices.microphone, camera=devices.camera) as stream:
        made = decisions(until(stream, 3.0))
    for one in made[3::9]:
        assert one.window is not None
        assert one.frame_age is not None
        first, last = (round((moment - 100.0) * 16000) for moment in one.window)
        number = round((one.window[1] - one.frame_age - 100.0) * 15)
        wanted = session.infer(audio=(SOUND[first:last], 16000), image=seen(number))
        for name, head in wanted.heads.items():
            assert one.prediction.heads[name].probabilities == pytest.approx(
                head.probabilities, abs=0.03
            )


def test_the_same_devices_give_the_same_events(session: FusionSession) -> None:
    runs = []
    for _ in range(2):
        devices = Devices(jitter=0.01, drift_ppm=150, gaps=((103.0, 103.5),))
        with session.stream(microphone=devices.microphone, camera=devices.camera) as stream:
            events = [plain_event(event) for event in until(stream, 5.0)]
        for event in events:
            event.pop("prediction", None)
        runs.append(events)
    assert runs[0] == runs[1]


def test_a_frame_that_is_too_old_is_missing_and_not_fused(session: FusionSession) -> None:
    devices = Devices(camera={"missing": ((102.0, 104.0),)})
    with session.stream(microphone=devices.microphone, camera=devices.camera) as stream:
        made = decisions(until(stream, 6.0))
    blind = [one for one in made if one.prediction.used == ("audio",)]
    times = [one.window[1] for one in blind if one.window is not None]
    assert all(one.frame_age is None for one in blind)
    # The last frame was at 101.93 s and belongs to sound up to half a second away from it.
    assert 102.4 < min(times) < 102.6
    assert 103.8 < max(times) < 104.1
    assert stream.counters().masked == len(blind)
    assert made[-1].prediction.used == ("audio", "image")


def test_text_is_read_once_and_may_change(session: FusionSession) -> None:
    devices = Devices()
    with session.stream(microphone=devices.microphone) as stream:
        assert decisions(until(stream, 1.0))[-1].prediction.used == ("audio",)
        stream.text = "what is this"
        assert decisions(until(stream, 2.0))[-1].prediction.used == ("audio", "text")


def test_a_camera_alone_is_answered_at_the_wanted_rate(session: FusionSession) -> None:
    devices = Devices(camera={"fps": 30.0, "end": 104.0})
    options = StreamOptions(camera_fps=5.0)
    stream = session.stream(camera=devices.camera, options=options)
    events = list(stream)
    made = decisions(events)
    assert 19 <= len(made) <= 22
    assert {one.prediction.used for one in made} == {("image",)}
    assert all(one.data_age < 1 / 30 + 1e-6 for one in made)
    assert isinstance(events[-1], Ended)
    assert events[-1].reason == "over"


class Told:
    """A governor of one's own: it does what it was told, at the time it was told."""

    period = 0.5

    def __init__(self, *plan: tuple[float, Level]) -> None:
        self.level = Level(name="begin", rung="full")
        self.levels = (self.level, *(level for _, level in plan))
        self._plan = list(plan)
        self.seen: list[Seen] = []

    def look(self, seen: Seen) -> Move | None:
        self.seen.append(seen)
        if not self._plan or seen.time < self._plan[0][0]:
            return None
        self.level = self._plan.pop(0)[1]
        return Move(self.level, "it was told to")


def test_a_governor_moves_the_stream_along_rungs_and_rates(session: FusionSession) -> None:
    governor = Told(
        (102.0, Level(name="slow camera", camera_fps=2.0)),
        (104.0, Level(name="small", rung="small", hop_ms=160.0)),
        (106.0, Level(name="ears", rung="audio-only")),
        (108.0, Level(name="blind", rung="full", drop=("image",))),
        (110.0, Level(name="end", rung="nowhere")),
    )
    devices = Devices()
    stream = session.stream(
        microphone=devices.microphone, camera=devices.camera, governor=governor, deadline=0.2
    )
    with stream:
        events = until(stream, 12.0)
    moved = [event for event in events if isinstance(event, Moved)]
    assert [(event.after, event.rung) for event in moved] == [
        ("slow camera", "full"),
        ("small", "small"),
        ("ears", "audio-only"),
        ("blind", "full"),
        ("end", "full"),
    ]
    assert moved[0].before == "begin"
    assert {event.reason for event in moved} == {"it was told to"}
    assert stream.counters().moves == 5

    def at(name: str) -> list[Decision]:
        return [one for one in decisions(events) if one.level == name]

    assert len(at("begin")) == pytest.approx(25, abs=3)
    assert len(at("small")) == pytest.approx(12.5 + 4, abs=4)
    assert {one.prediction.used for one in at("ears")} == {("audio",)}
    assert {one.rung for one in at("ears")} == {"audio-only"}
    assert {one.prediction.used for one in at("blind")} == {("audio",)}
    assert at("end")[-1].prediction.used == ("audio", "image")
    # What was heard before a move is still known after it.
    spans = [one.window[1] - one.window[0] for one in at("ears") if one.window is not None]
    assert min(spans) > 1.4
    looks = governor.seen
    assert looks[0].deadline == 0.2
    assert sum(seen.decisions for seen in looks) == pytest.approx(len(decisions(events)), abs=8)
    assert {seen.misses for seen in looks} == {0.0}


def test_closing_gives_the_devices_back(session: FusionSession) -> None:
    devices = Devices()
    stream = session.stream(microphone=devices.microphone)
    assert devices.microphone.state == "stopped"
    next(stream)
    assert devices.microphone.state == "running"
    with pytest.raises(UsageError, match="has a stream already"):
        session.stream(microphone=Devices().microphone)
    stream.close()
    assert devices.microphone.state == "stopped"
    assert list(stream) == []
    stream = session.stream(microphone=devices.microphone)
    next(stream)
    stream.stop()
    end = list(stream)[-1]
    assert isinstance(end, Ended)
    assert end.reason == "stopped"
    third = session.stream(microphone=devices.microphone)
    next(third)
    session.close()
    assert devices.microphone.state == "stopped"


def test_events_can_be_written_as_json(session: FusionSession) -> None:
    import msgspec

    devices = Devices(gaps=((101.0, 101.3),))
    with session.stream(microphone=devices.microphone, camera=devices.camera) as stream:
        events = until(stream, 3.0)
        stream.stop()
        events += list(stream)
    lines = [msgspec.json.decode(msgspec.json.encode(plain_event(event))) for event in events]
    kinds = {line["event"] for line in lines}
    assert kinds >= {"Decision", "Captured", "Ended"}
    assert lines[-1]["counters"]["audio"]["lost"] > 0
    decision = next(line for line in lines if line["event"] == "Decision")
    assert set(decision["prediction"]["heads"]) == {"intent", "colour"}


def test_what_does_not_fit_the_model_is_refused(session: FusionSession) -> None:
    devices = Devices()
    other = Devices()
    microphone, camera = devices.microphone, devices.camera
    with pytest.raises(UsageError, match="needs a microphone or a camera"):
        session.stream(text="stop")
    with pytest.raises(UsageError, match="8000 Hz and the model takes 16000"):
        session.stream(microphone=Microphone(SimulatedInput(devices.clock), rate=8000))
    with pytest.raises(UsageError, match="stamped on one clock"):
        session.stream(microphone=microphone, camera=other.camera)
    with pytest.raises(UsageError, match="deadline must be above 0"):
        session.stream(microphone=microphone, deadline=0.0)
    with pytest.raises(UsageError, match="options must be above 0"):
        session.stream(microphone=microphone, options=StreamOptions(camera_fps=0.0))
    camera.clock = MonotonicClock()  # type: ignore[assignment]
    with pytest.raises(UsageError, match="stamped on one clock"):
        session.stream(microphone=microphone, camera=camera)

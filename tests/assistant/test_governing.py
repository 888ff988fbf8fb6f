"""The assistant under a governor: its moves are events, and do what they say."""

from __future__ import annotations

from typing import Any

import msgspec

from edge_sdk.runtimes.assistant.config import AssistantConfig, load_config
from edge_sdk.runtimes.assistant.events import AssistantEvent, Moved, Recognised
from edge_sdk.runtimes.assistant.governing import Governing, governor_for, levels_for
from edge_sdk.runtimes.probes.vitals import Vitals

from .parts import SILENCE, SPEECH, WAKE, Stage, Words, sound

WELL = Vitals(
    temperature=50.0, throttled=False, reasons=(), resident=1, available=1 << 30, cpu=0.1, machine=0
)


class Rungs:
    """A session's rungs, for a scripted session."""

    rungs = ("full", "small")

    def __init__(self) -> None:
        self.rung = "full"
        self.prepared: tuple[str, ...] = ()

    def prepare(self, *names: str) -> None:
        self.prepared = names


class Hot:
    """Too hot between 10 and 45 s."""

    def __init__(self, stage: Stage) -> None:
        self._clock = stage.clock

    def read(self) -> Vitals:
        hot = 10 < self._clock.now() < 45
        return msgspec.structs.replace(WELL, temperature=90.0 if hot else 50.0)


def test_heat_takes_the_assistant_down_and_cold_brings_it_back() -> None:
    said = (WAKE, 0.4), (SPEECH, 1.0), (SILENCE, 3.0)
    heard = sound((SILENCE, 22.0), *said, (SILENCE, 150.0), *said)
    recognisers = {"words": Words(["words"] * 9), "light": Words(["light words"] * 9)}
    stage = Stage(heard, [("time", 0.9, "nothing", 0.9)] * 2, camera_age=None,
                  recognisers=recognisers)  # fmt: skip
    session: Any = Rungs()
    governor = governor_for(AssistantConfig().governor, session, light=True)  # type: ignore[arg-type]
    Governing(stage.assistant, session, governor, None, stage.clock, lambda: Hot(stage))
    assert session.prepared == ("full", "small")
    events: list[AssistantEvent] = stage.play()
    moves = [event for event in events if isinstance(event, Moved)]
    names = [move.after for move in moves]
    assert names[:3] == ["camera 5 fps", "light recogniser", "rung small"]
    assert names[-1] == "full"
    assert "90 C hot" in moves[0].reason
    assert "room" in moves[-1].reason
    recognised = [event for event in events if isinstance(event, Recognised)]
    assert [event.recogniser for event in recognised] == ["light", "words"]
    assert session.rung == "full"


def test_levels_without_a_light_recogniser_or_cheaper_rungs() -> None:
    assert [level.name for level in levels_for(("full",), light=False)] == ["full", "camera 5 fps"]
    assert not any(level.light for level in levels_for(("full", "small"), light=False))


def test_the_policy_is_a_table_of_the_configuration(tmp_path: Any) -> None:
    path = tmp_path / "assistant.toml"
    path.write_text('[governor.down]\ntemperature = 70\n[[governor.levels]]\nname = "only"\n')
    policy = load_config(path).governor
    assert not isinstance(policy, str)
    assert policy.down.temperature == 70
    assert policy.levels[0].name == "only"
    path.write_text('governor = "none"\n')
    assert load_config(path).governor == "none"

"""The governor on a virtual clock with scripted sensors: down, back up, never to and fro."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_sdk.errors import UsageError
from edge_sdk.runtimes.governor import (
    Down,
    LadderGovernor,
    Level,
    Move,
    Policy,
    Seen,
    Up,
    Watch,
    default_policy,
    load_policy,
)
from edge_sdk.runtimes.probes.vitals import Vitals

LEVELS = tuple(Level(name=name) for name in ("all", "some", "little"))
POLICY = Policy(levels=LEVELS)
WELL = Vitals(
    temperature=50.0,
    throttled=False,
    reasons=(),
    resident=1,
    available=1 << 30,
    cpu=0.1,
    machine=0.2,
)


class Script:
    """A machine that is as ``at`` says, given the time and the governor's level."""

    def __init__(self, policy: Policy, at: Callable[[float, str], tuple[float, Vitals]]) -> None:
        self.governor = LadderGovernor(policy)
        self.now = 0.0
        self._at = at
        self.moves: list[tuple[float, Move]] = []
        self._watch = Watch(self.governor, 0.2, lambda: self, cores=2)
        self._watch.start(0.0)

    def read(self) -> Vitals:
        return self._at(self.now, self.governor.level.name)[1]

    def run(self, seconds: float) -> list[tuple[float, str]]:
        """Ten decisions a second; when it went where."""
        for _ in range(round(seconds * 10)):
            self.now = round(self.now + 0.1, 6)
            self._watch.decided(self._at(self.now, self.governor.level.name)[0])
            move = self._watch.look(self.now)
            if move is not None:
                self.moves.append((self.now, move))
        return [(when, move.level.name) for when, move in self.moves]


def test_it_goes_down_while_the_deadline_is_missed_and_comes_back_with_hysteresis() -> None:
    def at(now: float, level: str) -> tuple[float, Vitals]:
        slow = 10 < now < 40 and level != "little"
        return (0.3 if slow else 0.09), WELL

    script = Script(POLICY, at)
    moves = script.run(120)
    # The climb at 25 s is taken back, so the next one waits for 20 s.
    assert moves == [
        (13, "some"),
        (14, "little"),
        (25, "some"),
        (28, "little"),
        (49, "some"),
        (70, "all"),
    ]
    first = script.moves[0]
    assert "100% of decisions came after the deadline" in first[1].reason
    assert script.governor.level.name == "all"


def test_heat_has_its_time_to_fall_after_a_move() -> None:
    hot = msgspec.structs.replace(WELL, temperature=85.0)
    script = Script(POLICY, lambda now, _: (0.09, hot if now > 5 else WELL))
    assert script.run(20) == [(8.0, "some"), (11.0, "little")]


def test_it_does_not_move_between_the_two_thresholds() -> None:
    warm = msgspec.structs.replace(WELL, temperature=76.0)
    hot = msgspec.structs.replace(WELL, temperature=85.0)
    script = Script(POLICY, lambda now, _: (0.09, hot if 5 < now < 8.5 else warm))
    assert script.run(300) == [(8.0, "some")]
    assert "85 C hot" in script.moves[0][1].reason


def test_a_load_that_comes_with_a_level_makes_it_climb_ever_more_seldom() -> None:
    # The level "all" is always too much: each climb is taken back.
    script = Script(POLICY, lambda _, level: (0.3 if level == "all" else 0.09, WELL))
    moves = script.run(3600)
    climbs = [when for when, level in moves if level == "all"]
    waits = [later - earlier for earlier, later in pairwise(climbs)]
    assert waits == sorted(waits)
    assert waits[-1] > 600
    # An hour has 3600 looks; seven climbs double the wait from 10 s to 10 minutes.
    assert len(climbs) <= 14
    assert {level for _, level in moves} == {"some", "all"}


def test_a_busy_machine_keeps_it_from_climbing_though_not_from_staying() -> None:
    busy = msgspec.structs.replace(WELL, machine=2.0)
    script = Script(POLICY, lambda now, _: (0.3 if now < 3 else 0.09, busy if now < 60 else WELL))
    assert script.run(59) == [(3.0, "some")]
    assert [level for _, level in script.run(60)] == ["some", "all"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"throttled": True, "reasons": ("under-voltage",)}, "slowed down (under-voltage)"),
        ({"available": 50 << 20}, "50 MB of memory are left"),
        ({"temperature": 91.0}, "91 C hot"),
    ],
)
def test_each_sensor_is_a_reason(change: dict[str, object], words: str) -> None:
    ill = msgspec.structs.replace(WELL, **change)
    script = Script(POLICY, lambda _now, _level: (0.09, ill))
    assert [level for _, level in script.run(10)] == ["some", "little"]
    assert words in script.moves[0][1].reason


def test_load_and_age_count_where_the_policy_says_so() -> None:
    busy = msgspec.structs.replace(WELL, machine=1.9)
    strict = msgspec.structs.replace(POLICY, down=Down(load=0.9, age=0.9, misses=None))
    assert Script(POLICY, lambda _now, _level: (0.19, busy)).run(20) == []
    script = Script(strict, lambda _now, _level: (0.19, busy))
    script.run(20)
    reason = script.moves[0][1].reason
    assert reason == "data are 0.190 s old, of 0.2 s allowed; the machine is 95% busy"


def test_what_a_machine_cannot_tell_is_neither_pressure_nor_in_the_way() -> None:
    blank = msgspec.structs.replace(
        WELL, temperature=None, throttled=None, available=None, machine=None
    )
    script = Script(POLICY, lambda now, _: (0.3 if now < 3 else 0.09, blank))
    assert [level for _, level in script.run(40)] == ["some", "all"]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1.2), st.booleans()), min_size=5, max_size=120)
)
def test_whatever_is_seen_moves_are_single_steps_with_a_reason_and_never_closer_than_allowed(
    looks: list[tuple[float, float, bool]],
) -> None:
    governor = LadderGovernor(POLICY)
    at, last_move, still_late = 0, float("-inf"), False
    for time, (misses, load, throttled) in enumerate(looks):
        move = governor.look(
            Seen(time=float(time), deadline=0.2, misses=misses, load=load, throttled=throttled)
        )
        still_late = still_late and misses > 0.05
        if move is None:
            assert governor.level is LEVELS[at]
            continue
        step = LEVELS.index(move.level) - at
        assert abs(step) == 1
        assert move.reason
        # Down, and still late at every look since: then the next look is soon enough.
        least = POLICY.up.seconds if step < 0 else 1.0 if still_late else POLICY.down.seconds
        assert time - last_move >= least
        at, last_move, still_late = at + step, time, step > 0


def test_a_policy_is_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_text(
        "period = 0.5\n[down]\nmisses = 0.2\n[up]\nseconds = 3\n"
        '[[levels]]\nname = "all"\ncamera_fps = 12\n'
        '[[levels]]\nname = "ears"\nrung = "small"\ndrop = ["image"]\nhop_ms = 160\n'
    )
    policy = load_policy(path)
    assert policy.down == Down(misses=0.2)
    assert policy.up == Up(seconds=3)
    assert policy.levels[1] == Level(name="ears", rung="small", drop=("image",), hop_ms=160)
    path.write_text("[up]\nseconds = 20\n")
    assert load_policy(path, ("full", "small")).levels == default_policy(("full", "small")).levels


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[down\n", "is no policy of a governor"),
        ("[down]\nmises = 0.1\n", "unknown field `mises`"),
        ("period = 0\n", "must be above 0"),
        ("[up]\nmisses = 0.3\n", "the value of .up. must be the lower one"),
        ("[up]\navailable_mb = 10\n", "available_mb of .up. must not be below"),
        ('[[levels]]\nname = "a"\n[[levels]]\nname = "a"\n', "needs a name of its own"),
        ('[[levels]]\nname = "a"\ncamera_fps = 0\n', "camera_fps and hop_ms of 'a'"),
    ],
)
def test_a_policy_that_cannot_be_kept_is_refused(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "policy.toml"
    path.write_text(text)
    with pytest.raises(UsageError, match=sentence):
        load_policy(path)
    with pytest.raises(UsageError, match="cannot be read"):
        load_policy(tmp_path / "none.toml")


def test_the_default_policy_gives_up_the_camera_first_and_sound_never() -> None:
    levels = default_policy(("full", "small", "audio-only"), blind=("audio-only",)).levels
    assert [level.rung for level in levels] == ["full", "full", "small", "small", "audio-only"]
    assert levels[0].drop == levels[-1].drop == ()
    assert default_policy().levels[-1].drop == ("image", "video")
    assert not any("audio" in level.drop for level in (*levels, *default_policy().levels))

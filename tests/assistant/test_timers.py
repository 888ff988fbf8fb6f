from __future__ import annotations

from pathlib import Path

from edge_sdk.runtimes.assistant.timers import Timers


class Wall:
    def __init__(self) -> None:
        self.time = 1e9

    def __call__(self) -> float:
        return self.time


def test_a_timer_is_due_once_and_in_time() -> None:
    wall = Wall()
    timers = Timers(wall)
    timers.set("tea", 180)
    timers.set("egg", 60)
    assert timers.due() == ()
    wall.time += 60
    assert [timer.name for timer in timers.due()] == ["egg"]
    assert timers.due() == ()
    wall.time += 500
    assert [timer.name for timer in timers.due()] == ["tea"]
    assert len(timers) == 0


def test_a_restart_loses_no_timer(tmp_path: Path) -> None:
    wall, path = Wall(), tmp_path / "state" / "timers.json"
    Timers(wall, path).set("tea", 180)
    again = Timers(wall, path)
    assert [timer.name for timer in again] == ["tea"]
    wall.time += 200
    assert [timer.name for timer in again.due()] == ["tea"]
    assert len(Timers(wall, path)) == 0


def test_a_damaged_file_counts_as_none(tmp_path: Path) -> None:
    path = tmp_path / "timers.json"
    path.write_text("[{")
    timers = Timers(Wall(), path)
    assert len(timers) == 0
    timers.set("tea", 1)
    assert len(Timers(Wall(), path)) == 1


def test_clear_says_how_many_there_were(tmp_path: Path) -> None:
    path = tmp_path / "timers.json"
    timers = Timers(Wall(), path)
    timers.set("a", 1)
    timers.set("b", 2)
    assert timers.clear() == 2
    assert len(Timers(Wall(), path)) == 0

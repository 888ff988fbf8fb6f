from __future__ import annotations

from pathlib import Path

import msgspec

from edge_sdk.runtimes.assistant.timers import Timer, Timers


class Wall:
    def __init__(self) -> None:
        self.time = 1e9

    def __call__(self) -> float:
        return self.time


class Boots:
    """Seconds since a boot."""

    def __init__(self) -> None:
        self.time = 100.0

    def __call__(self) -> float:
        return self.time


def _names(timers: tuple[Timer, ...]) -> list[str]:
    return [timer.name for timer in timers]


def test_a_timer_is_due_once_and_in_time() -> None:
    wall = Wall()
    timers = Timers(wall)
    timers.set("tea", 180)
    timers.set("egg", 60)
    assert timers.due() == ()
    wall.time += 60
    over = timers.due()
    assert _names(over) == ["egg"]
    assert timers.due() == ()
    timers.rang(over)
    wall.time += 500
    assert _names(timers.due()) == ["tea"]
    assert len(timers) == 1


def test_one_that_did_not_get_to_ring_is_due_again() -> None:
    wall = Wall()
    timers = Timers(wall)
    timers.set("tea", 10)
    wall.time += 10
    assert _names(timers.due()) == ["tea"]
    assert timers.due() == ()
    wall.time += 20
    over = timers.due()
    assert _names(over) == ["tea"]
    timers.rang(over)
    wall.time += 20
    assert timers.due() == ()


def test_a_restart_loses_no_timer(tmp_path: Path) -> None:
    wall, path = Wall(), tmp_path / "state" / "timers.json"
    Timers(wall, path).set("tea", 180)
    again = Timers(wall, path)
    assert [timer.name for timer in again] == ["tea"]
    wall.time += 200
    again.due()
    # Killed before it rang.
    third = Timers(wall, path)
    over = third.due()
    assert _names(over) == ["tea"]
    third.rang(over)
    assert len(Timers(wall, path)) == 0


def test_one_that_was_over_while_the_device_was_off_says_for_how_long(tmp_path: Path) -> None:
    wall, path = Wall(), tmp_path / "timers.json"
    Timers(wall, path).set("tea", 180)
    wall.time += 180 + 7300
    again = Timers(wall, path)
    again.set("egg", 0)
    assert again.words(again.due()) == (
        "Your timer for egg is over. Your timer for tea was over 2 hours and 1 minute ago."
    )


def test_a_clock_that_is_set_moves_no_timer_of_this_boot(tmp_path: Path) -> None:
    """A board without a clock of its own gets the time of day late, and it jumps."""
    wall, boot, path = Wall(), Boots(), tmp_path / "timers.json"
    timers = Timers(wall, path, boot)
    timers.set("tea", 180)
    wall.time += 1e7
    assert timers.due() == ()
    # Nor in the next process of the same boot.
    assert Timers(wall, path, boot).due() == ()
    boot.time += 180
    assert _names(timers.due()) == ["tea"]
    wall.time -= 1e7
    assert _names(Timers(wall, path, boot).due()) == ["tea"]


def test_after_a_boot_the_time_of_day_counts(tmp_path: Path) -> None:
    wall, boot, path = Wall(), Boots(), tmp_path / "timers.json"
    timer = Timers(wall, path, boot).set("tea", 180)
    earlier = msgspec.structs.replace(timer, boot="another")
    path.write_bytes(msgspec.json.encode([earlier]))
    timers = Timers(wall, path, boot)
    boot.time += 1000
    assert timers.due() == ()
    wall.time += 180
    assert _names(timers.due()) == ["tea"]


def test_where_they_cannot_be_kept_they_ring_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    wall = Wall()
    timers = Timers(wall, tmp_path / "file" / "timers.json")
    timers.set("tea", 10)
    told = timers.problem()
    assert told is not None
    assert "restart" in told
    assert timers.problem() is None
    wall.time += 10
    assert _names(timers.due()) == ["tea"]


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

"""Progress without a terminal: a line a stage, and how far a long one is."""

from __future__ import annotations

import sys

import pytest

from edge_sdk.cli.progress import StageProgress


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_long_stage_says_how_far_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    with StageProgress(clock) as progress:
        for done in range(101):
            progress("evaluate", done, 100)
            clock.now += 0.5
        progress("golden", 0, 4)
        clock.now += 30
        progress("golden", 4, 4)
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        "evaluate ...",
        "evaluate: 20%, 40 s left",
        "evaluate: 40%, 30 s left",
        "evaluate: 60%, 20 s left",
        "evaluate: 80%, 10 s left",
        "golden ...",
    ]


def test_a_device_without_tqdm_has_lines(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tqdm", None)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    with StageProgress() as progress:
        progress("soak", 0, 10)
    assert capsys.readouterr().err == "soak ...\n"


def test_minutes_are_told_as_such(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    with StageProgress(clock) as progress:
        progress("recover", 0, 10)
        clock.now = 25
        progress("recover", 1, 10)
    assert capsys.readouterr().err.splitlines()[1] == "recover: 10%, 3 min 45 s left"


def test_a_quick_stage_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with StageProgress() as progress:
        for done in range(5):
            progress("export", done, 4)
    assert capsys.readouterr().err == "export ...\n"


@pytest.mark.parametrize("terminal", [True, False])
def test_without_the_package_for_bars_there_are_lines(
    terminal: bool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a device, whose extras have none."""
    monkeypatch.setitem(sys.modules, "tqdm", None)
    monkeypatch.setattr("edge_sdk.cli.progress.find_spec", lambda name: None)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    with StageProgress() as progress:
        progress("rounds", 0, 5)
        progress("rounds", 5, 5)
    assert capsys.readouterr().err == "rounds ...\n"

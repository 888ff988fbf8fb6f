"""The report as a page and as JSON, and the exit codes, with fake figures."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from edge_sdk.benchmarks import command
from edge_sdk.benchmarks.bench import Bench
from edge_sdk.benchmarks.figure import Figure, Reading
from edge_sdk.benchmarks.machine import load_average, this_machine
from edge_sdk.benchmarks.report import Report, to_json
from edge_sdk.benchmarks.section import write_section
from edge_sdk.errors import DependencyError

from .conftest import figure, reading

GOOD = figure("good", lambda bench: [reading(0.2, 0.25, 0.3, goal=0.3)])
BAD = figure("bad", lambda bench: [reading(1.2, 1.5, 1.9), reading(0.5)])
CLOSE = figure("close", lambda bench: [reading(0.8, 0.9, 1.2)])


def _breaks(bench: Bench) -> Iterator[Reading]:
    yield reading(0.5)
    raise DependencyError("It needs the package peer: pip install peer.")


BROKEN = figure("broken", _breaks)


def run(monkeypatch: pytest.MonkeyPatch, figures: tuple[Figure, ...], *arguments: str) -> int:
    monkeypatch.setattr(command, "choose", lambda names: figures)
    with pytest.raises(SystemExit) as stopped:
        command.main(arguments)
    assert isinstance(stopped.value.code, int)
    return stopped.value.code


def test_a_page_is_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    page = tmp_path / "RESULTS.md"
    assert run(monkeypatch, (GOOD, CLOSE), "--output", str(page)) == 0
    text = page.read_text()
    assert "| a \\| b | 0.25 x [0.2..0.3] | 1 x | 0.3 x | goal met | fake |" in text
    assert "| 0.9 x [0.8..1.2] | 1 x |  | within the limit (limit inside the noise) |" in text
    assert "`python -m edge_sdk.benchmarks --only good`" in text
    assert "load average before:" in text
    assert "make demo" in text
    assert this_machine().cpu in text


def test_the_section_of_the_peers_stays_when_the_page_is_written_anew(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    page = tmp_path / "RESULTS.md"
    write_section(page, "peers", "## Peers")
    for _ in range(2):
        assert run(monkeypatch, (GOOD,), "--output", str(page)) == 0
    text = page.read_text()
    assert text.startswith("# Results\n")
    assert text.count("## Peers") == 1


def test_without_an_output_the_page_is_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, (GOOD,)) == 0
    shown = capsys.readouterr()
    assert shown.out.startswith("# Results\n")
    assert "good ..." in shown.err


def test_a_missed_limit_is_written_and_fails(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "RESULTS.md"
    assert run(monkeypatch, (BAD, GOOD), "--output", str(page)) == 5
    assert "| 1.5 x [1.2..1.9] | 1 x |  | **missed** |" in page.read_text()
    assert "| 0.5 x (once) | 1 x |  | within the limit |" in page.read_text()
    assert "missed: bad: a | b" in capsys.readouterr().err


def test_what_cannot_be_measured_says_so_and_the_rest_goes_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    page = tmp_path / "RESULTS.md"
    assert run(monkeypatch, (BROKEN, GOOD), "--output", str(page)) == DependencyError.exit_code
    text = page.read_text()
    assert "| the figure broken | not measured |  |  |  | It needs the package peer" in text
    assert "goal met" in text
    assert run(monkeypatch, (BROKEN, BAD)) == 5


def test_json_is_one_object_that_reads_back(
    monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert run(monkeypatch, (GOOD, BROKEN, BAD), "--json") == 5
    out = capsysbinary.readouterr().out
    assert {row["figure"] for row in json.loads(out)["rows"]} == {"good", "broken", "bad"}
    report = msgspec.json.decode(out, type=Report)
    assert [row.verdict for row in report.missed] == ["missed"]
    assert to_json(report) == out
    assert report.machine == this_machine()
    assert len(report.load_before) == len(load_average()) == 3


def test_no_absolute_path_gets_into_the_page(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = tmp_path / "some" / "checkpoint"
    assert run(monkeypatch, (GOOD,), "--checkpoint", str(where), "--data", "my/data") == 0
    page = capsys.readouterr().out
    assert str(tmp_path) not in page
    assert "--checkpoint checkpoint --data my/data" in page


def test_mistakes_are_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, code in ((["--only", "logmel"], 2), (["--rounds", "0"], 2)):
        with pytest.raises(SystemExit) as stopped:
            command.main(arguments)
        assert stopped.value.code == code
        shown = capsys.readouterr()
        assert shown.out == ""
        assert shown.err.startswith("error: ")
        assert len(shown.err.splitlines()) == 1

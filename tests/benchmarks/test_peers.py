"""The comparison's statistics, its table from recorded numbers, and the section of the page."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest

from edge_sdk.benchmarks.peers.accuracy import Classes, accuracies, macro_f1
from edge_sdk.benchmarks.peers.environment import versions_of
from edge_sdk.benchmarks.peers.latency import middle, ratio
from edge_sdk.benchmarks.peers.page import to_markdown
from edge_sdk.benchmarks.peers.result import Result, from_json, to_json
from edge_sdk.benchmarks.section import kept_section, write_section
from edge_sdk.converters.fusion.metrics import classification_metrics

RECORDED = Path(__file__).parents[2] / "benchmarks" / "peers" / "results.json"


@pytest.fixture(scope="module")
def recorded() -> Result:
    return from_json(RECORDED.read_bytes())


def test_macro_f1_is_that_of_the_gate() -> None:
    draw = np.random.default_rng(3)
    true, said = draw.integers(7, size=(2, 200))
    # Class 7 occurs in neither and does not count; class 6 is never said.
    said[said == 6] = 0
    wanted = classification_metrics(true, said, [str(n) for n in range(8)]).f1
    assert macro_f1(true, said, 8) == pytest.approx(wanted, abs=1e-12)


def test_a_worse_candidate_is_behind_and_its_interval_says_so() -> None:
    draw = np.random.default_rng(0)
    labels = draw.integers(4, size=300)
    wrong = np.where(draw.random(300) < 0.3, (labels + 1) % 4, labels)
    truth: Classes = {"a": labels.tolist()}
    answers: dict[str, list[Classes]] = {
        "right": [truth, truth],
        "wrong": [{"a": wrong.tolist()}],
        "again": [truth],
    }
    found = accuracies(truth, truth, answers, "right", {"a": 4})
    worse, same = found["wrong"]["a"], found["again"]["a"]
    assert worse.ahead.low < worse.ahead.value < worse.ahead.high < 0
    assert worse.agreement.value == pytest.approx(float((wrong == labels).mean()))
    assert worse.macro_f1.low < worse.macro_f1.value < worse.macro_f1.high < 1
    assert (same.ahead.low, same.ahead.high) == (0, 0)


def test_samples_without_a_label_do_not_count_for_it() -> None:
    truth: Classes = {"a": [0, 1, -1, -1]}
    said: Classes = {"a": [0, 1, 0, 1]}
    found = accuracies(truth, {"a": [0, 1, 1, 1]}, {"x": [said]}, "x", {"a": 2})["x"]["a"]
    assert found.samples == 2
    assert found.macro_f1.value == 1
    assert found.agreement.value == 0.75


def test_a_ratio_is_taken_round_by_round() -> None:
    ours = [[{"a": 1.0 * pace, "b": 1.0 * pace} for pace in (1, 5, 2)] for _ in range(3)]
    theirs = [[{"a": 2.0 * pace, "b": 1.0 * pace} for pace in (1, 5, 2)] for _ in range(3)]
    found = ratio(theirs, ours)
    assert found.value == pytest.approx(1.5)
    assert found.low == pytest.approx(1.5)
    assert middle(ours) == {"a": 2.0, "b": 2.0, "sum": 4.0}


def test_the_json_holds_everything(recorded: Result) -> None:
    assert from_json(to_json(recorded)) == recorded


def test_the_page_has_every_row_and_every_reason(recorded: Result) -> None:
    page = to_markdown(recorded)
    for title in (*(r.title for r in recorded.rows), *(r.title for r in recorded.frontends)):
        assert f"| {title} |" in page
    for one in recorded.not_run:
        assert f"- not run: {one.title}: {one.why}" in page
    assert recorded.date in page
    assert recorded.machine.cpu in page
    tables = [line for line in page.splitlines() if line.startswith("|")]
    widths = [line.count(" | ") for line in tables]
    heads = len(recorded.rows[0].accuracy)
    assert widths[0] == 2 * heads + 2
    assert set(widths[: len(recorded.rows) + 2]) == {widths[0]}


def test_the_page_says_where_ours_loses(recorded: Result) -> None:
    """The recorded run with another's numbers for ours: 99 times the file, memory and time."""
    rows = list(recorded.rows)
    place = next(i for i, row in enumerate(rows) if row.name == recorded.ours)
    ours = rows[place]
    costly = [
        msgspec.structs.replace(
            c, size=99 * c.size, peak_bytes=99 * c.peak_bytes, cpu_seconds=99 * c.cpu_seconds
        )
        for c in ours.conversions
    ]
    rows[place] = msgspec.structs.replace(ours, conversions=tuple(costly))
    page = to_markdown(msgspec.structs.replace(recorded, rows=tuple(rows)))
    for sentence in ("file is larger", "CPU time is higher", "memory is higher"):
        assert f"**our {sentence}**" in page


def test_a_section_is_replaced_in_its_place_and_kept_by_others(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Results\n\nold\n")
    assert kept_section(page, "peers") == ""
    write_section(page, "peers", "one")
    page.write_text(page.read_text() + "\nbelow\n")
    write_section(page, "peers", "two")
    text = page.read_text()
    assert text.startswith("# Results\n\nold\n")
    assert text.endswith("\nbelow\n")
    assert "one" not in text
    assert text.count("two") == 1
    assert "two" in kept_section(page, "peers")


def test_every_environment_names_exact_versions() -> None:
    folder = Path(__file__).parents[2] / "benchmarks" / "peers" / "requirements"
    for path in folder.glob("*.txt"):
        lines = [x for x in path.read_text().splitlines() if x and not x.startswith("#")]
        assert lines
        for line in lines:
            name, equals, version = line.partition("==")
            assert name, path
            assert equals, (path, line)
            assert version[0].isdigit(), (path, line)
    assert "olive-ai 0.13.0" in versions_of()["olive"]

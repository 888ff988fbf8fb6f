"""The report of a conversion: a page that a browser shows whole, and the same figures as JSON."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_sdk import Bundle
from edge_sdk.converters import ConversionReport
from edge_sdk.converters.intervals import wilson
from edge_sdk.errors import StorageError

from ..browser import Browser
from .conftest import Convert, unpack


@pytest.fixture
def made(convert_tiny: Convert, tmp_path: Path) -> tuple[ConversionReport, Path]:
    """A measured conversion with its report beside it: what was returned, and the folder."""
    folder = tmp_path / "report"
    report = convert_tiny(
        target="local", measure=True, max_size="1MB", variants="full,audio-only", report_to=folder
    )
    return report, folder


def test_the_page_shows_what_a_person_looks_for(
    made: tuple[ConversionReport, Path], browser: Browser
) -> None:
    report, folder = made
    seen = browser.look(folder / "report.html")
    seen.check()
    assert seen.title == "Conversion of tiny"
    wanted = {
        "Candidates", "Accuracy", "Where size, work and time go", "Layers in int8", "Calibration",
        "On onnxruntime", "On onnxruntime, variant audio-only",
    }  # fmt: skip
    assert wanted <= set(seen.headings)
    alts = " ".join(plot.alt for plot in seen.plots)
    assert "points lost against MB" in alts
    assert "points lost against ms" in alts
    assert "latency: " in alts
    assert "multiply-accumulates: " in alts
    assert "Histogram of the activations of " in alts
    for part in report.parts:
        assert part.name in seen.text
    costliest = report.evidence[0].layers[0].name
    assert any(costliest in plot.text for plot in seen.plots)


def test_the_same_figures_are_in_the_json(made: tuple[ConversionReport, Path]) -> None:
    report, folder = made
    kept = msgspec.json.decode((folder / "report.json").read_bytes(), type=ConversionReport)
    assert kept == msgspec.structs.replace(report, output=None)
    assert kept.search is not None
    assert kept.search.machine
    assert {part.name for part in kept.evidence} == {part.name for part in kept.parts}
    for part in kept.evidence:
        assert part.macs > 0
        noise = [layer.noise_share for layer in part.layers]
        assert noise == sorted(noise, reverse=True)
        assert sum(noise) == pytest.approx(1)
        for histogram in part.activations:
            assert len(histogram.edges) == len(histogram.counts) + 1
            assert sum(histogram.counts) > 0
    for name, interval in kept.preferred.intervals.items():
        for kind in ("fp32", "shipped"):
            low, high = getattr(interval, kind)
            assert low <= getattr(kept.quality.heads[name], kind).accuracy <= high


def test_a_bundle_carries_a_report_only_where_it_is_asked_to(
    convert_tiny: Convert, tmp_path: Path
) -> None:
    convert_tiny(output=tmp_path / "plain.edge")
    convert_tiny(output=tmp_path / "full.edge", report=True)
    plain, full = unpack(tmp_path / "plain.edge"), unpack(tmp_path / "full.edge")
    assert full.keys() - plain.keys() == {"report.html"}
    assert full["report.html"].startswith(b"<!doctype html>")
    changed = {name for name in plain if plain[name] != full[name]}
    assert changed == {"manifest.json", "report.json"}
    Bundle.open(tmp_path / "full.edge").check_files()
    # Without measuring, a report is the same each time, too.
    convert_tiny(output=tmp_path / "again.edge", report=True)
    assert (tmp_path / "again.edge").read_bytes() == (tmp_path / "full.edge").read_bytes()


def test_a_file_where_the_report_is_to_go(convert_tiny: Convert, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("mine")
    with pytest.raises(StorageError, match="is a file, and the report needs a folder"):
        convert_tiny(report_to=tmp_path / "taken")
    assert (tmp_path / "taken").read_text() == "mine"
    assert not (tmp_path / "out.edge").exists()


@given(samples=st.integers(1, 10_000), data=st.data())
def test_an_interval_holds_its_share_and_narrows(samples: int, data: st.DataObject) -> None:
    share = data.draw(st.integers(0, samples)) / samples
    low, high = wilson(share, samples)
    assert 0 <= low <= share <= high <= 1
    more = wilson(share, 4 * samples)
    assert more[1] - more[0] < high - low


def test_an_interval_as_in_the_books() -> None:
    assert wilson(0.5, 10) == pytest.approx((0.2366, 0.7634), abs=1e-4)
    assert wilson(0.3, 0) == (0, 1)

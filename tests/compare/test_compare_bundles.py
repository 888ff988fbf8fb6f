"""``edge-sdk compare A.edge B.edge``: both run here, in turns."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edge_sdk.benchmarks.compare import BundlesOptions, compare_bundles
from edge_sdk.benchmarks.compare.accuracy import HeadAnswers, accuracy_verdicts
from edge_sdk.errors import EngineError
from edge_sdk.samples import SampleSet

from ..browser import Browser
from ..cli.conftest import Run


def test_a_bundle_against_itself(
    run: Run, tiny_bundle: Path, sample_set: SampleSet, tmp_path: Path, browser: Browser
) -> None:
    budgets = tmp_path / "budgets.toml"
    budgets.write_text('[default.regression]\n"size_mb" = "2%"\n"accuracy" = 1.0')
    done = run("compare", tiny_bundle, tiny_bundle, "--rounds", "2", "--calls", "40",
               "--samples", sample_set.root, "--budget", budgets, "--json",
               "--html", tmp_path / "c.html")  # fmt: skip
    assert done.code == 0
    found = {m["metric"]: m for m in done.json["metrics"]}
    assert found["size_mb"]["ratio"]["value"] == 1.0
    assert found["total.p50_ms"]["ratio"]["low"] <= found["total.p50_ms"]["ratio"]["high"]
    assert found["cpu.p50_ms"]["base"] > 0
    assert found["encoder.audio.p50_ms"]["unit"] == "ms"
    assert 10 < found["peak_mb"]["base"] < 1000
    for head in ("intent", "colour"):
        assert found[f"accuracy.{head}"]["change"] == "same"
        assert found[f"accuracy.{head}"]["ratio"]["value"] == 0.0
    assert "100.0% of the answers are the same" in done.json["warnings"]
    seen = browser.look(tmp_path / "c.html")
    seen.check()
    for what in ("accuracy.intent", "100.0% of the answers are the same", "size_mb", "passed"):
        assert what in seen.text


def test_three_times_slower_is_noticed(tiny_bundle: Path) -> None:
    options = BundlesOptions(rounds=2, calls=40, slowed=2.0)
    found = compare_bundles(tiny_bundle, tiny_bundle, options)
    assert not found.passed
    changes = {m.metric: m.change for m in found.metrics}
    assert changes["cpu.p50_ms"] == "worse"


def test_an_engine_that_one_lacks(tiny_bundle: Path) -> None:
    with pytest.raises(EngineError, match="litert"):
        compare_bundles(tiny_bundle, tiny_bundle, BundlesOptions(engine="litert"))


def sides(count: int, lost: int) -> HeadAnswers:
    """``count`` samples of which the base has all right and the new lacks ``lost``."""
    wrong = np.arange(count) < lost
    return HeadAnswers(
        labels=("a",) * count,
        base=("a",) * count,
        new=tuple("b" if w else "a" for w in wrong),
    )


@pytest.mark.parametrize(
    ("count", "lost", "change"),
    [(500, 0, "same"), (500, 50, "worse"), (500, 5, "unclear"), (20, 1, "unclear")],
)
def test_accuracy_in_points(count: int, lost: int, change: str) -> None:
    [found] = accuracy_verdicts({"intent": sides(count, lost)}, {"accuracy": 1.0})
    assert found.change == change
    assert found.new == pytest.approx(100 - 100 * lost / count)
    assert found.fails is (change == "worse")


def test_a_head_of_its_own_budget() -> None:
    [found] = accuracy_verdicts({"intent": sides(500, 50)}, {"accuracy.intent": 20.0})
    assert found.change == "same"

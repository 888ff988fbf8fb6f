"""The search: what keeps the budgets at the least cost ships; where nothing does, what would."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from edge_sdk import Bundle
from edge_sdk.bundle.manifest import FULL
from edge_sdk.converters import ConversionReport
from edge_sdk.converters import measure as module
from edge_sdk.converters.backends import Artefact
from edge_sdk.converters.cache import StageCache
from edge_sdk.converters.measure import Timing
from edge_sdk.converters.report import SearchReport
from edge_sdk.errors import BudgetError, UsageError
from edge_sdk.targets import TargetProfile, detect_local

from .conftest import Convert, unpack


@pytest.fixture
def slow_int8(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine on which int8 audio takes 12 ms and fp32 audio 10; any other part takes 1."""

    def measure(_: object, part: str, artefacts: dict[str, Artefact]) -> dict[str, Timing]:
        def one(artefact: Artefact) -> float:
            if part != "audio":
                return 1.0
            return 12.0 if artefact.precision == "int8" else 10.0

        return {key: Timing(one(a), 0.1, 9) for key, a in artefacts.items()}

    monkeypatch.setattr(module.Stopwatch, "measure", measure)


def search_of(report: ConversionReport) -> SearchReport:
    assert report.search is not None
    return report.search


def shipped(report: ConversionReport) -> dict[str, str]:
    return {part.name: part.precision for part in report.parts}


def board(**changes: object) -> TargetProfile:
    """A board with the instructions of this machine, or with others."""
    return msgspec.structs.replace(detect_local(), name="board", **changes)


def test_a_search_that_needs_no_further_candidates_measures_none() -> None:
    # As for the variant small, where what was tried for full is enough.
    stopwatch = module.Stopwatch(detect_local(), {}, "", StageCache(None), lambda *_: None)
    assert stopwatch.measure("audio", {}) == {}


def test_without_a_budget_of_time_nothing_is_measured(convert_tiny: Convert) -> None:
    stages: list[str] = []
    report = convert_tiny(progress=lambda stage, done, total: stages.append(stage))
    assert not [stage for stage in stages if stage.startswith("measure")]
    search = search_of(report)
    assert (search.machine, search.caveat) == (None, None)
    assert all(candidate.milliseconds is None for candidate in search.candidates)
    (first,) = [c for c in search.candidates if c.rungs]
    assert first.rungs == (FULL,)
    assert first.precisions == shipped(report)
    assert {c.words for c in search.candidates} >= {"int8", "fp32"}


def test_measured_candidates_have_times_and_noise(convert_tiny: Convert) -> None:
    report = convert_tiny(target=detect_local(), measure=True)
    search = search_of(report)
    assert search.machine == detect_local().cpu
    assert search.caveat is None
    for candidate in search.candidates:
        assert candidate.milliseconds is not None
        assert candidate.noise is not None
        assert candidate.milliseconds > 0
    whole = next(c for c in search.candidates if FULL in c.rungs)
    parts = [a.milliseconds for p in report.parts for a in p.attempts if a.precision == p.precision]
    assert sum(value or 0 for value in parts) == pytest.approx(whole.milliseconds)


@pytest.mark.usefixtures("slow_int8")
def test_int8_that_is_slower_on_a_machine_like_the_target_does_not_ship(
    convert_tiny: Convert, tmp_path: Path
) -> None:
    report = convert_tiny(target=board(), measure=True)
    assert shipped(report)["audio"] == "fp32"
    # Of what takes equally long, the smaller ships.
    for part in report.parts[1:]:
        sizes = {a.precision: a.size for a in part.attempts}
        assert part.precision == min(sizes, key=lambda kind: sizes[kind])
    (sentence,) = report.parts[0].rejected
    assert sentence == "int8 rejected for part audio: 1.2x slower than fp32 (12 ms against 10 ms)"
    assert b"1.2x slower" in unpack(tmp_path / "out.edge")["recipe.toml"]


@pytest.mark.usefixtures("slow_int8")
def test_on_another_machine_times_choose_nothing_and_it_says_so(convert_tiny: Convert) -> None:
    other = board(arch="aarch64", features=("asimd",))
    report = convert_tiny(target=other, measure=True)
    assert shipped(report)["audio"] == "int8"
    assert report.parts[0].rejected == ()
    search = search_of(report)
    assert search.caveat == "it is x86_64 and board is aarch64"
    (note,) = search.notes
    assert note.startswith(
        f"Times were measured on {detect_local().cpu}, standing for board: it is"
    )


@pytest.mark.usefixtures("slow_int8")
def test_a_budget_of_time_is_kept_on_either_machine(convert_tiny: Convert) -> None:
    for target in (board(), board(arch="aarch64", features=("asimd",))):
        report = convert_tiny(target=target, max_latency="13.5ms")
        assert shipped(report)["audio"] == "fp32"
        over = [c for c in search_of(report).candidates if c.precisions["audio"] == "int8"]
        assert over
        assert not any(candidate.fits for candidate in over)


@pytest.mark.usefixtures("slow_int8")
def test_where_nothing_fits_it_says_what_would_have_to_give(
    convert_tiny: Convert, tmp_path: Path
) -> None:
    with pytest.raises(BudgetError) as caught:
        convert_tiny(target=board(), max_latency="5ms")
    said = str(caught.value)
    assert said.startswith(
        "No candidate for onnxruntime keeps the budget of 100 points and 5.00ms for board; "
        "no bundle was written. Nearest: "
    )
    assert "13 ms. With --max-latency 13.0ms, " in said
    assert " fits. Pruned candidates were not tried" in said
    assert not (tmp_path / "out.edge").exists()
    # Taking the advice is enough.
    advised = re.search(r"--max-latency (\S+),", said)
    assert advised is not None
    convert_tiny(target=board(), max_latency=advised.group(1))


def test_the_advice_on_a_size_is_enough(convert_tiny: Convert) -> None:
    with pytest.raises(BudgetError) as caught:
        convert_tiny(max_size="1KB")
    advised = re.search(r"With --max-size (\S+), (.*) fits", str(caught.value))
    assert advised is not None
    report = convert_tiny(max_size=advised.group(1))
    assert next(c.words for c in search_of(report).candidates if c.rungs) == advised.group(2)


def test_a_size_that_the_target_s_order_breaks_is_met_by_another_assignment(
    convert_tiny: Convert,
) -> None:
    prefers = board(precisions=("fp32", "int8"))
    plain = convert_tiny(target=prefers)
    sizes = [{a.precision: a.size for a in part.attempts} for part in plain.parts]
    least = sum(min(own.values()) for own in sizes)
    assert least < plain.size
    report = convert_tiny(target=prefers, max_size=f"{least}B")
    assert report.size == least


def test_two_budgets_that_must_give_together_are_named_together(convert_tiny: Convert) -> None:
    with pytest.raises(BudgetError, match=r"With --max-size \S+ and --max-latency \S+, "):
        convert_tiny(target=board(), max_size="1KB", max_latency="1us")


def test_measuring_changes_no_byte_where_it_chooses_the_same(
    convert_tiny: Convert, tmp_path: Path
) -> None:
    """Times are in the report that is returned, never in the bundle."""
    report = convert_tiny(measure=True, output=tmp_path / "a.edge")
    assert any(a.milliseconds for part in report.parts for a in part.attempts)
    convert_tiny(output=tmp_path / "b.edge")
    one, other = unpack(tmp_path / "a.edge"), unpack(tmp_path / "b.edge")
    assert one["report.json"] == other["report.json"]
    assert one["recipe.toml"] == other["recipe.toml"].replace(b"measure = false", b"measure = true")


def test_times_are_kept_by_content(convert_tiny: Convert) -> None:
    first = convert_tiny(measure=True)
    stages: list[str] = []
    again = convert_tiny(measure=True, progress=lambda stage, done, total: stages.append(stage))
    assert not [s for s in stages if s.startswith(("measure", "evaluate", "calibrate"))]
    assert again.search == first.search


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"max_latency": "25"}, "--max-latency: '25' has no unit; write it as 25ms, 0.5s"),
        ({"max_latency": "2MB"}, "--max-latency: '2MB' has the unit 'MB'"),
        ({"max_size": "big"}, "--max-size: 'big' is not a size"),
        ({"max_size": "0MB"}, "--max-size: '0MB' must be more than nothing"),
    ],
)
def test_a_budget_without_sense_is_a_sentence(
    convert_tiny: Convert, options: dict[str, str], sentence: str
) -> None:
    with pytest.raises(UsageError, match=re.escape(sentence)):
        convert_tiny(**options)


def test_the_budgets_of_a_profile_count(convert_tiny: Convert, tmp_path: Path) -> None:
    from edge_sdk.targets import Budgets

    tight = board(budgets=Budgets(max_drop=100, max_size="1KB"))
    with pytest.raises(BudgetError, match=r"1\.00KB for board"):
        convert_tiny(target=tight, max_drop=None)
    convert_tiny(target=tight, max_size="1MB")
    assert Bundle.open(tmp_path / "out.edge").manifest.target.budgets == tight.budgets


@pytest.fixture
def fast_litert(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine on which LiteRT takes 1 ms a part, and ONNX Runtime 2."""

    def measure(_: object, part: str, artefacts: dict[str, Artefact]) -> dict[str, Timing]:
        times = {"litert": 1.0, "onnxruntime": 2.0}
        return {key: Timing(times[a.engine], 0.1, 9) for key, a in artefacts.items()}

    monkeypatch.setattr(module.Stopwatch, "measure", measure)


@pytest.mark.usefixtures("fast_litert")
@pytest.mark.slow
def test_engines_are_ordered_by_measured_time_unless_the_user_orders_them(
    convert_tiny: Convert, tmp_path: Path
) -> None:
    both = board(engines=("onnxruntime", "litert"))

    def order(**options: object) -> tuple[str, ...]:
        convert_tiny(**{"target": both, "precision": "fp32", **options})
        return Bundle.open(tmp_path / "out.edge").manifest.ordered_editions()

    assert order() == ("onnxruntime", "litert"), "nothing was measured"
    recipe = tmp_path / "recipe.toml"
    assert order(measure=True, write_recipe=recipe) == ("litert", "onnxruntime")
    # The recipe holds the order, without a measurement.
    again = {"target": None, "precision": None, "max_drop": None, "recipe": recipe}
    assert order(**again) == ("litert", "onnxruntime")
    assert order(measure=True, engines=("onnxruntime", "litert")) == ("onnxruntime", "litert")
    other = msgspec.structs.replace(both, arch="aarch64", features=("asimd",))
    assert order(measure=True, target=other) == ("onnxruntime", "litert"), "of another machine"

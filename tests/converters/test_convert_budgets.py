"""Budgets: what breaks them falls back and is reported, or nothing is written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import onnx
import pytest
from onnx import helper

from edge_sdk import Bundle, load_target
from edge_sdk.bundle.manifest import FloatShare
from edge_sdk.converters import ConversionReport
from edge_sdk.converters.backends import onnxruntime_int8 as backend
from edge_sdk.errors import BudgetError, UsageError
from edge_sdk.samples import SampleSet, write_index
from edge_sdk.targets import Budgets

from .conftest import Convert


def _negate_outputs(graph: onnx.ModelProto) -> None:
    """Every logit changes its sign: the least likely label becomes the answer."""
    for value in graph.graph.output:
        inner = f"{value.name}_before"
        for node in graph.graph.node:
            node.output[:] = [inner if name == value.name else name for name in node.output]
            node.input[:] = [inner if name == value.name else name for name in node.input]
        graph.graph.node.append(helper.make_node("Neg", [inner], [value.name], f"neg_{inner}"))


@pytest.fixture
def wrecked_head(monkeypatch: pytest.MonkeyPatch) -> None:
    """Quantising turns the head's answers round; the encoders are as they should be."""
    quantise = backend.quantise

    def wreck(graph: onnx.ModelProto, *arguments: Any, **options: Any) -> onnx.ModelProto:
        int8 = quantise(graph, *arguments, **options)
        if any(value.name == "mask" for value in graph.graph.input):
            _negate_outputs(int8)
        return int8

    monkeypatch.setattr(backend, "quantise", wreck)


@pytest.fixture
def unlabelled(sample_set: SampleSet, tmp_path: Path) -> Path:
    """The sample set without labels, over the same files."""
    root = tmp_path / "unlabelled"
    root.mkdir()
    for path in sample_set.root.iterdir():
        if path.name != "samples.jsonl":
            (root / path.name).hardlink_to(path)
    write_index(root, [msgspec.structs.replace(s, labels={}) for s in sample_set])
    return root


@pytest.mark.usefixtures("wrecked_head")
def test_a_part_that_breaks_the_budget_ships_in_fp32_and_the_report_says_so(
    convert_tiny: Convert, unlabelled: Path, tmp_path: Path
) -> None:
    report = convert_tiny(calibration=unlabelled, max_drop=50)
    shipped = {part.name: part.precision for part in report.parts}
    assert shipped == {"audio": "int8", "image": "int8", "text": "int8", "head": "fp32"}
    head = report.parts[-1]
    drops = {attempt.precision: attempt.drops for attempt in head.attempts}
    # Without labels a drop is the share of answers that changed: all of them.
    assert drops == {"fp32": {"intent": 0, "colour": 0}, "int8": {"intent": 100, "colour": 100}}
    (sentence,) = head.rejected
    assert sentence.startswith("int8 rejected for part head: ")
    assert "loses 100.00 points" in sentence
    assert "budget 50" in sentence
    assert not any(part.rejected for part in report.parts[:-1])
    manifest = Bundle.open(tmp_path / "out.edge").manifest
    assert {part.name: part.variants[0].precision for part in manifest.parts} == shipped
    assert manifest.head.variants[0].file == "parts/head.fp32.onnx"
    assert manifest.head.variants[0].stayed_float is None
    assert isinstance(manifest.parts[0].variants[0].stayed_float, FloatShare)


@pytest.mark.usefixtures("wrecked_head")
def test_where_nothing_keeps_the_budget_nothing_is_written(
    convert_tiny: Convert, unlabelled: Path, tmp_path: Path
) -> None:
    output = tmp_path / "to" / "out.edge"
    output.parent.mkdir()
    with pytest.raises(BudgetError, match="budget of 0 points for rpi5; no bundle was") as caught:
        convert_tiny(calibration=unlabelled, max_drop=0, precision="int8", output=output)
    assert caught.value.exit_code == 5
    said = str(caught.value)
    assert "Nearest: int8: intent loses 100.00 points, 0.0" in said
    assert "With --max-drop 100.00, int8 fits." in said
    assert list(output.parent.iterdir()) == []


@pytest.mark.usefixtures("wrecked_head")
def test_a_budget_that_is_broken_leaves_the_older_bundle(
    convert_tiny: Convert, unlabelled: Path, tiny_bundle: Path, tmp_path: Path
) -> None:
    (tmp_path / "out.edge").write_bytes(tiny_bundle.read_bytes())
    with pytest.raises(BudgetError):
        convert_tiny(calibration=unlabelled, max_drop=0, precision="int8")
    assert (tmp_path / "out.edge").read_bytes() == tiny_bundle.read_bytes()


@pytest.mark.usefixtures("wrecked_head")
def test_the_target_s_budget_holds_where_none_is_given(
    convert_tiny: Convert, unlabelled: Path
) -> None:
    loose = msgspec.structs.replace(load_target("rpi5"), budgets=Budgets(max_drop=100))
    report = convert_tiny(calibration=unlabelled, target=loose, max_drop=None)
    assert report.parts[-1].precision == "int8"
    strict = msgspec.structs.replace(loose, budgets=Budgets(max_drop=0))
    report = convert_tiny(calibration=unlabelled, target=strict, max_drop=None)
    assert report.parts[-1].precision == "fp32"
    assert report.quality.max_drop == 0


def test_a_size_budget_is_kept_or_nothing_is_written(convert_tiny: Convert, tmp_path: Path) -> None:
    size = convert_tiny().size / 1e6
    (tmp_path / "out.edge").unlink()
    profile = load_target("rpi5")
    small = msgspec.structs.replace(profile, budgets=Budgets(max_size=f"{size * 0.5}MB"))
    with pytest.raises(BudgetError, match=r"budget of 100 points and .*KB for rpi5; no bu"):
        convert_tiny(target=small)
    assert not (tmp_path / "out.edge").exists()
    large = msgspec.structs.replace(profile, budgets=Budgets(max_size=f"{size * 1.01}MB"))
    assert convert_tiny(target=large).size == pytest.approx(size * 1e6)


def test_fp32_alone_needs_no_int8(convert_tiny: Convert, tmp_path: Path) -> None:
    report = convert_tiny(precision="fp32", max_drop=0)
    assert {part.precision for part in report.parts} == {"fp32"}
    assert all([a.precision for a in part.attempts] == ["fp32"] for part in report.parts)
    # Audio can carry its past: its states add a little to the graph.
    assert all(part.size == part.fp32_size for part in report.parts[1:])
    assert not any(part.rejected for part in report.parts)


def test_the_report_agrees_with_the_bundle(convert_tiny: Convert, tmp_path: Path) -> None:
    report = convert_tiny()
    bundle = Bundle.open(tmp_path / "out.edge")
    assert report.output == str(tmp_path / "out.edge")
    assert report.quality == bundle.manifest.quality
    assert report.size == bundle.size("parts/")
    for part, entry in zip(report.parts, bundle.manifest.parts, strict=True):
        assert part.size == bundle.manifest.files[entry.variants[0].file].size
        assert part.parameters == entry.parameters
    kept = msgspec.json.decode(bundle.read("report.json"), type=ConversionReport)
    assert kept == msgspec.structs.replace(report, output=None, search=None)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"target": "rpi55"}, "did you mean rpi5"),
        ({"target": "toaster"}, "known: local"),
        (
            {"precision": "int4"},
            "no precision 'int4'; known: auto, int8, int8-mixed, int8-dyn",
        ),
        ({"max_drop": -1}, "at least 0 points"),
        ({"max_drop": float("nan")}, "at least 0 points"),
    ],
)
def test_an_option_that_makes_no_sense_is_a_usage_error(
    convert_tiny: Convert, tmp_path: Path, options: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(UsageError, match=sentence):
        convert_tiny(**options)
    assert not (tmp_path / "out.edge").exists()

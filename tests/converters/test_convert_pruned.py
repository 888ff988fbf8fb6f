"""Pruned candidates in a conversion: tried when asked for, kept by content, shipped as rungs."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from edge_sdk import Bundle
from edge_sdk.converters.recipe import read_recipe
from edge_sdk.errors import BudgetError, UsageError
from edge_sdk.runtimes.engines import EngineOptions
from edge_sdk.runtimes.parts import LoadedParts
from edge_sdk.runtimes.selftest import check_golden

from .conftest import Convert, unpack


def test_pruned_candidates_are_tried_beside_the_model_as_it_came(
    convert_tiny: Convert, tmp_path: Path
) -> None:
    report = convert_tiny(target="local", prune="0.3", recover=0)
    assert report.search is not None
    shares = {candidate.pruned for candidate in report.search.candidates}
    assert shares == {0.0, 0.3}
    assert any("pruned 30%" in candidate.words for candidate in report.search.candidates)
    # Any loss is allowed: the smallest ships.
    (edition,) = report.editions
    assert edition.pruned == 0.3
    assert edition.size == min(candidate.size for candidate in report.search.candidates)
    bundle = Bundle.open(tmp_path / "out.edge")
    image = next(part for part in bundle.manifest.parts if part.name == "image")
    assert image.variants[0].parameters is not None
    assert image.variants[0].parameters < image.parameters
    assert read_recipe_of(bundle, tmp_path).chosen["onnxruntime"]["full"].pruned == 0.3


def read_recipe_of(bundle: Bundle, folder: Path) -> object:
    path = folder / "of-bundle.toml"
    path.write_bytes(bundle.read("recipe.toml"))
    return read_recipe(path)


def test_a_pruned_rung_beside_a_full_one_and_again_from_the_recipe(
    convert_tiny: Convert, tmp_path: Path, stage_cache: Path
) -> None:
    cache = Path(shutil.copytree(stage_cache, tmp_path / "cache"))
    recipe, stages = tmp_path / "recipe.toml", list[str]()
    recipe.write_text("[pruning]\nspare = [0.3]\n[pruning.plan.recovery]\nepochs = 1\n")
    note: Callable[[str, int, int], None] = lambda stage, done, total: stages.append(stage)  # noqa: E731
    # Nothing may change for full; recovery trains for an epoch.
    report = convert_tiny(
        target="local", variants="full,small", max_drop=0, small_drop=100, recipe=recipe,
        write_recipe=recipe, output=tmp_path / "a.edge", cache=cache, progress=note,
    )  # fmt: skip
    full, small = report.editions
    assert (full.pruned, small.pruned > 0) == (0, True)
    assert small.size < full.size
    assert "recover" in stages
    bundle = Bundle.open(tmp_path / "a.edge")
    for name in bundle.manifest.all_editions():
        parts = LoadedParts(bundle, name, EngineOptions())
        assert all(result.ok for _, result in check_golden(bundle, parts)), name
        parts.close()
    # The weights of a recovery are kept: the same again costs no training.
    stages.clear()
    convert_tiny(recipe=recipe, target=None, max_drop=None, output=tmp_path / "b.edge",
                 cache=cache, progress=note)  # fmt: skip
    assert "recover" not in stages
    assert "export" in stages
    one, other = unpack(tmp_path / "a.edge"), unpack(tmp_path / "b.edge")
    assert [name for name in one if one[name] != other.get(name)] == []
    assert one.keys() == other.keys()


def test_without_being_asked_nothing_is_pruned_and_the_sentence_says_so(
    convert_tiny: Convert,
) -> None:
    with pytest.raises(BudgetError, match="Pruned candidates were not tried: --recover EPOCHS"):
        convert_tiny(max_size="1KB")


def test_pruned_candidates_are_spare_where_recovery_is_allowed(convert_tiny: Convert) -> None:
    plain = convert_tiny()
    least = sum(min(a.size for a in part.attempts) for part in plain.parts)
    report = convert_tiny(max_size=f"{least - 500}B", recover=0)
    assert report.editions[0].pruned > 0
    assert report.size <= least - 500
    # Where the model as it came keeps the budgets, nothing is pruned.
    report = convert_tiny(max_size=f"{least}B", recover=0)
    assert report.editions[0].pruned == 0
    assert report.search is not None
    assert {candidate.pruned for candidate in report.search.candidates} == {0.0}


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"prune": "much"}, "--prune takes shares of the channels to remove, such as 0.3,0.5"),
        ({"prune": "1.5"}, "--prune takes shares between 0 and 1, such as 0.3,0.5; not 1.5"),
        ({"prune": "0.5", "finetune": "nowhere:f"}, "nowhere"),
    ],
)
def test_pruning_that_makes_no_sense_is_a_sentence(
    convert_tiny: Convert, options: dict[str, str], sentence: str
) -> None:
    with pytest.raises(UsageError, match=sentence):
        convert_tiny(**options)


def test_a_plan_in_a_recipe(convert_tiny: Convert, tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(
        '[pruning]\nratios = [0.3]\n[pruning.plan]\ncriterion = "l1"\nround_to = 2\n'
        '[pruning.plan.recovery]\nmethod = "none"\n[quantisation]\ncalibrator = "percentile"\n'
    )
    report = convert_tiny(recipe=recipe)
    assert report.search is not None
    assert {candidate.pruned for candidate in report.search.candidates} == {0.0, 0.3}
    recipe.write_text('[pruning.plan]\nspeed = "high"\n')
    with pytest.raises(UsageError, match="unknown field `speed`"):
        convert_tiny(recipe=recipe)
    recipe.write_text("[pruning.plan]\nratio = 0.5\n")
    with pytest.raises(UsageError, match="ratio is not for the plan of a recipe"):
        convert_tiny(recipe=recipe)

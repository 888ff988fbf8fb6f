"""Recipes: every decision as data; a run with the recipe of another makes the same bytes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from edge_sdk.converters.recipe import Chosen, Recipe, encode_recipe, read_recipe
from edge_sdk.errors import BudgetError, UsageError
from edge_sdk.targets import Budgets, detect_local, load_target

from .conftest import Convert, unpack


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    """The file of a recipe; write to it."""
    return tmp_path / "recipe.toml"


def test_a_run_with_the_recipe_of_another_makes_the_same_bytes_without_a_search(
    convert_tiny: Convert, tmp_path: Path, recipe: Path
) -> None:
    convert_tiny(
        target="local", measure=True, variants="full,audio-only", max_size="1MB",
        write_recipe=recipe, output=tmp_path / "a.edge",
    )  # fmt: skip
    assert recipe.read_bytes() == unpack(tmp_path / "a.edge")["recipe.toml"]
    stages: list[str] = []
    report = convert_tiny(
        target=None, max_drop=None, recipe=recipe, output=tmp_path / "b.edge",
        progress=lambda stage, done, total: stages.append(stage),
    )  # fmt: skip
    assert not [stage for stage in stages if stage.startswith("measure")]
    assert report.search is None
    assert (tmp_path / "a.edge").read_bytes() == (tmp_path / "b.edge").read_bytes()


def test_a_recipe_holds_every_decision(convert_tiny: Convert, recipe: Path) -> None:
    report = convert_tiny(variants="full,audio-only", max_size="1MB", write_recipe=recipe)
    used = read_recipe(recipe)
    assert used.target == "rpi5"
    assert used.profile is None
    assert used.engines == ("onnxruntime",)
    assert used.budgets == Budgets(max_drop=100, max_size="1MB")
    assert used.variants == ("full", "audio-only")
    assert list(used.chosen) == ["onnxruntime"]
    # What a rung of some modalities has follows from the rung full.
    assert list(used.chosen["onnxruntime"]) == ["full"]
    parts = used.chosen["onnxruntime"]["full"].parts
    assert parts == {part.name: part.precision for part in report.parts}
    assert encode_recipe(used) == recipe.read_bytes()


def test_a_board_of_one_s_own_is_in_the_recipe_as_a_whole(
    convert_tiny: Convert, recipe: Path
) -> None:
    convert_tiny(target="local", write_recipe=recipe)
    used = read_recipe(recipe)
    assert (used.target, used.profile) == (None, detect_local())


def test_options_go_before_the_recipe(convert_tiny: Convert, recipe: Path) -> None:
    recipe.write_text('target = "rpi4"\nprecision = "int8"\n[budgets]\nmax_drop = 50\n')
    report = convert_tiny(recipe=recipe, target=None, max_drop=None)
    assert report.target == "rpi4"
    assert {part.precision for part in report.parts} == {"int8"}
    assert report.quality.max_drop == 50
    report = convert_tiny(recipe=recipe, target="rpi5", precision="fp32", max_drop=70)
    assert report.target == "rpi5"
    assert {part.precision for part in report.parts} == {"fp32"}
    assert report.quality.max_drop == 70


def test_precisions_of_single_parts(convert_tiny: Convert, recipe: Path) -> None:
    recipe.write_text('[precisions]\naudio = ["fp32"]\ntext = ["fp32", "int8"]\n')
    report = convert_tiny(recipe=recipe)
    kinds = {part.name: [a.precision for a in part.attempts] for part in report.parts}
    assert kinds == {"audio": ["fp32"], "image": ["int8", "fp32"], "text": ["fp32", "int8"],
                     "head": ["int8", "fp32"]}  # fmt: skip
    assert {p.name: p.precision for p in report.parts}["text"] == "fp32"


def test_a_choice_is_taken_as_it_is_and_its_reason_kept(convert_tiny: Convert) -> None:
    parts = {"audio": "fp32", "image": "int8", "text": "int8", "head": "int8"}
    chosen = Chosen(parts=parts, why={"audio": "because"})  # type: ignore[arg-type]
    recipe = Recipe(
        target="rpi5", budgets=Budgets(max_drop=100), chosen={"onnxruntime": {"full": chosen}}
    )
    report = convert_tiny(recipe=recipe, target=None, max_drop=None)
    assert report.search is None
    assert {part.name: part.precision for part in report.parts} == parts
    assert report.parts[0].rejected == ("because",)


def test_other_decisions_than_a_choice_was_made_under_search_again(
    convert_tiny: Convert, recipe: Path
) -> None:
    convert_tiny(precision="fp32", write_recipe=recipe)
    for change in ({"precision": "int8"}, {"target": "rpi4"}, {"variants": "full,text-only"},
                   {"max_size": "9MB"}):  # fmt: skip
        report = convert_tiny(**{"recipe": recipe, "target": None, "max_drop": None, **change})
        assert report.search is not None
        (note,) = report.search.notes
        assert note.startswith("The recipe's choices were made for other ")
        assert next(iter(change)).replace("max_size", "budgets") in note
    # The same decision once more is no other one.
    report = convert_tiny(recipe=recipe, target="rpi5", precision="fp32", max_drop=100)
    assert report.search is None


def test_a_choice_that_breaks_its_budgets_is_refused(convert_tiny: Convert, recipe: Path) -> None:
    convert_tiny(write_recipe=recipe)
    text = recipe.read_text()
    recipe.write_text(text.replace("max_drop = 100.0", 'max_drop = 100.0\nmax_size = "1KB"'))
    with pytest.raises(BudgetError, match=r"chosen for onnxruntime takes .* MB of 0.001 MB; no b"):
        convert_tiny(recipe=recipe, target=None, max_drop=None)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("targt = 'rpi5'", "malformed: Object contains unknown field `targt`"),
        ("precision = 'int4'", "malformed: Invalid enum value 'int4' - at `$.precision`"),
        ("[budgets]\nmax_size = '2'", "max_size: '2' has no unit"),
        ("[budgets]\nmax_sise = '2MB'", "unknown field `max_sise` - at `$.budgets`"),
        ("target = ", "is malformed"),
        ("target = 'rpi55'", "did you mean rpi5"),
        ("variants = ['full', 'tiny']", "There is no variant 'tiny'"),
        ("[chosen.onnxruntime.full]\npruned = 0.0", "missing required field `parts`"),
        ("[chosen.litert.full.parts]\nhead = 'int8'", "nothing for onnxruntime on the rung full"),
        ("[chosen.onnxruntime.full.parts]\nhead = 'int8'", "chosen for the parts head on"),
        ("[chosen.onnxruntime.full.parts]\nhead = 'fp16'\naudio = 'int8'\nimage = 'int8'\n"
         "text = 'int8'", "chosen fp16 for part head on onnxruntime, which is none of int8, fp32"),
    ],
)  # fmt: skip
def test_a_recipe_that_makes_no_sense_is_a_sentence(
    convert_tiny: Convert, recipe: Path, tmp_path: Path, text: str, sentence: str
) -> None:
    recipe.write_text(text)
    target = None if "target" in text else "rpi5"
    with pytest.raises(UsageError, match=re.escape(sentence)):
        convert_tiny(recipe=recipe, target=target, max_drop=None)
    assert not (tmp_path / "out.edge").exists()


def test_a_recipe_that_is_not_there(convert_tiny: Convert, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="There is no recipe at"):
        convert_tiny(recipe=tmp_path / "none.toml")


def test_shipped_targets_keep_their_names(convert_tiny: Convert, tmp_path: Path) -> None:
    convert_tiny(target=load_target("rpi4"))
    assert b'target = "rpi4"' in unpack(tmp_path / "out.edge")["recipe.toml"]

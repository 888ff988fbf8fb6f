"""Samples to recover on: another set than the calibration's, and never one that judges."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
import pytest

from edge_sdk.converters.data import split_data
from edge_sdk.converters.overlap import apart
from edge_sdk.errors import BudgetError, DataError, UsageError
from edge_sdk.samples import SampleSet, write_index

from ..synthetic import make_sample_set
from .conftest import Convert

MODALITIES = ("audio", "image", "text")


def renamed(samples: SampleSet, folder: Path) -> SampleSet:
    """The same samples under other ids, names of files and labels."""
    folder.mkdir()
    found = []
    for i, sample in enumerate(samples):
        names = {}
        for kind in ("audio", "image"):
            name = getattr(sample, kind)
            if name is not None:
                names[kind] = f"{kind}-{i}{Path(name).suffix}"
                shutil.copy(samples.path(name), folder / names[kind])
        found.append(msgspec.structs.replace(sample, id=f"other-{i}", labels={}, **names))
    write_index(folder, found)
    return SampleSet.open(folder)


def test_a_sample_is_known_by_what_is_in_it(sample_set: SampleSet, tmp_path: Path) -> None:
    copied = renamed(sample_set, tmp_path / "copied")
    assert len(apart(copied, sample_set)) == 0
    half = sample_set.subset(list(sample_set)[::2])
    left = apart(copied, half)
    assert [s.id for s in left] == [f"other-{i}" for i in range(1, len(copied), 2)]
    # One other word makes it another sample.
    spoken = next(s for s in copied if s.text is not None)
    other = [msgspec.structs.replace(spoken, id="new", text="something else"), *list(copied)]
    assert [s.text for s in apart(copied.subset(other), sample_set)] == ["something else"]


def test_samples_that_judge_are_left_out_and_counted(sample_set: SampleSet) -> None:
    split = split_data(sample_set.root, None, MODALITIES, sample_set.root)
    judging = {sample.id for sample in split.evaluation}
    assert judging
    assert judging.isdisjoint(sample.id for sample in split.training)
    assert split.judged == len(judging)
    assert len(split.training) + len(judging) == len(sample_set)
    assert any(f"{len(judging)} samples for recovery are evaluation" in w for w in split.warnings())
    assert split_data(sample_set.root, None, MODALITIES).training is not None


def test_a_set_of_nothing_but_evaluation_samples_is_refused(
    sample_set: SampleSet, tmp_path: Path
) -> None:
    copied = renamed(sample_set, tmp_path / "copied")
    with pytest.raises(DataError, match="must not be trained on"):
        split_data(sample_set.root, sample_set.root, MODALITIES, copied.root)


def test_recovery_data_without_anything_to_recover_is_a_mistake(
    convert_tiny: Convert, sample_set: SampleSet
) -> None:
    with pytest.raises(UsageError, match="--recovery-data has nothing to do"):
        convert_tiny(recovery_data=sample_set.root)


def test_fine_tuning_for_int8_takes_the_recovery_data(
    convert_tiny: Convert, tmp_path: Path
) -> None:
    """Choosing the form by a recipe spares the search; other data give other weights."""
    other = make_sample_set(tmp_path / "other", count=40, seed=9)
    recipe = tmp_path / "recipe.toml"
    parts = "\n".join(f'{name} = "int8"' for name in (*MODALITIES, "head"))
    recipe.write_text(
        'target = "rpi5"\n[budgets]\nmax_drop = 100.0\n'
        "[quantisation.finetune]\nepochs = 1\nbatch = 8\n"
        f"[chosen.onnxruntime.full]\ntuned = true\n[chosen.onnxruntime.full.parts]\n{parts}\n"
    )
    made = {}
    for name, data in (("own", {}), ("other", {"recovery_data": other.root}), ("again", {})):
        output = tmp_path / f"{name}.edge"
        report = convert_tiny(recipe=recipe, target=None, max_drop=None, output=output, **data)
        assert report.editions[0].tuned
        assert report.search is None
        made[name] = (tmp_path / f"{name}.edge").read_bytes()
    assert made["own"] == made["again"]
    assert made["own"] != made["other"]


def test_fine_tuned_candidates_are_tried_where_int8_loses_too_much(
    convert_tiny: Convert, tmp_path: Path
) -> None:
    report = convert_tiny(precision="int8", finetune_int8=1)
    assert report.search is not None
    assert {c.tuned for c in report.search.candidates} == {False}, "int8 keeps the budget"
    # Ranges that hold half of the values spoil int8; in fp32 the budget of nothing is kept.
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(
        '[quantisation]\ncalibrator = "percentile"\nparameters = { percentile = 55 }\n'
    )
    notes: list[str] = []
    report = convert_tiny(recipe=recipe, max_drop=0, finetune_int8=1)
    assert report.search is not None
    tuned = [c for c in report.search.candidates if c.tuned]
    assert "int8 fine-tuned" in {c.words for c in tuned}
    notes += report.search.notes
    assert any("layers rounded in training on" in note for note in notes), notes
    with pytest.raises(BudgetError, match="Pruned candidates were not tried") as caught:
        convert_tiny(recipe=recipe, max_drop=0, precision="int8", finetune_int8=1)
    assert "finetune-int8" not in str(caught.value)

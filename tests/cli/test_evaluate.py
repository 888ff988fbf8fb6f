"""``edge-sdk evaluate``."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from edge_sdk.benchmarks.evaluate import agreement, evaluate, read_evaluation
from edge_sdk.benchmarks.evaluate.scores import macro_f1
from edge_sdk.errors import DataError
from edge_sdk.samples import SampleSet

from .conftest import Run


def test_macro_f1_weighs_labels_alike() -> None:
    # a: 2 of 2 right, one more named so (F1 4/5); b: 0 of 1 right (F1 0).
    assert macro_f1([("a", "a"), ("a", "a"), ("b", "a")]) == pytest.approx(0.4)
    assert macro_f1([("a", "a"), ("b", "b")]) == 1.0


def test_scores_are_those_of_the_answers(
    run: Run, tiny_bundle: Path, sample_set: SampleSet, tmp_path: Path
) -> None:
    said = tmp_path / "here.json"
    done = run("evaluate", tiny_bundle, "--samples", sample_set.root, "--json", said)
    assert done.code == 0, done.err
    result = read_evaluation(said)
    assert [answer.id for answer in result.answers] == [sample.id for sample in sample_set]
    wanted = {sample.id: sample.labels for sample in sample_set}
    for head, score in result.heads.items():
        labelled = [a for a in result.answers if head in wanted[a.id]]
        right = sum(a.labels[head] == wanted[a.id][head] for a in labelled)
        assert (score.samples, score.accuracy) == (len(labelled), right / len(labelled))
    assert f"{len(sample_set)} of {len(sample_set)} samples" in done.out

    again = run("evaluate", tiny_bundle, "--samples", sample_set.root, "--limit", "7",
                "--against", said)  # fmt: skip
    assert "over 7 samples: colour 100.0%, intent 100.0%" in again.out


def test_the_reference_answers_nearly_the_same(tiny_bundle: Path, sample_set: SampleSet) -> None:
    here = evaluate(tiny_bundle, sample_set.root)
    reference = evaluate(tiny_bundle, sample_set.root, reference=True)
    assert reference.reference
    assert not here.reference
    assert agreement(here, reference).share > 0.8
    turned = [
        msgspec.structs.replace(a, labels=dict.fromkeys(a.labels, "other")) for a in here.answers
    ]
    none = agreement(msgspec.structs.replace(here, answers=tuple(turned)), reference)
    assert none.share == 0
    assert len(none.differ) == len(here.answers)


def test_what_cannot_be_compared_is_refused(
    run: Run, tiny_bundle: Path, sample_set: SampleSet, tmp_path: Path
) -> None:
    def refusal(*words: str | Path) -> str:
        done = run("evaluate", tiny_bundle, *words)
        assert done.code == 8
        assert done.out == ""
        return done.err

    other = tmp_path / "other.json"
    against = ("--samples", sample_set.root, "--against", other)
    assert "cannot be read" in refusal(*against)
    other.write_text("{}")
    assert "is not an evaluation" in refusal(*against)
    other.write_text(json.dumps({"schema": 99}))
    assert "newer edge-sdk" in refusal(*against)
    assert "no sample set" in refusal("--samples", tmp_path / "no")
    here = evaluate(tiny_bundle, sample_set.root, limit=2)
    elsewhere = msgspec.structs.replace(
        here, samples=msgspec.structs.replace(here.samples, digest="0" * 64)
    )
    with pytest.raises(DataError, match="different sample sets"):
        agreement(here, elsewhere)

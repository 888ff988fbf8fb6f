"""Sample sets: how many are needed, which judge and which calibrate, and bad ones."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest
import soundfile

from edge_sdk import Bundle
from edge_sdk.errors import DataError, InputError
from edge_sdk.samples import Sample, SampleSet, write_index

from ..synthetic import make_sample_set
from .conftest import Convert, unpack


@pytest.fixture
def samples(sample_set: SampleSet, tmp_path: Path) -> Path:
    """A copy of the sample set, to be changed."""
    return Path(shutil.copytree(sample_set.root, tmp_path / "samples"))


def rewrite(root: Path, change: dict[int, Sample], keep: int | None = None) -> SampleSet:
    """Replace samples by position, and keep only the first ``keep``."""
    samples = list(SampleSet.open(root))
    for index, sample in change.items():
        samples[index] = sample
    write_index(root, samples[:keep])
    return SampleSet.open(root)


def without(sample: Sample, name: str) -> Sample:
    return msgspec.structs.replace(sample, **{name: None})


def louder(root: Path, sample: Sample) -> None:
    """Another recording under the same name, with another range of values."""
    assert sample.audio is not None
    noise = np.random.default_rng(5).uniform(-1, 1, 16000)
    soundfile.write(root / sample.audio, noise, 16000, subtype="PCM_16")


def graphs(bundle: Path) -> dict[str, bytes]:
    return {name: value for name, value in unpack(bundle).items() if name.endswith(".onnx")}


@pytest.mark.parametrize("modality", ["audio", "image", "text"])
def test_fewer_than_32_samples_of_a_modality_are_too_few(
    convert_tiny: Convert, samples: Path, tmp_path: Path, modality: str
) -> None:
    everything = SampleSet.open(samples)
    having = [i for i, sample in enumerate(everything) if modality in sample.modalities]
    rewrite(samples, {i: without(everything[i], modality) for i in having[31:]})
    with pytest.raises(DataError, match=f"31 samples with {modality}; at least 32") as caught:
        convert_tiny(calibration=samples)
    assert caught.value.exit_code == 8
    assert not (tmp_path / "out.edge").exists()


def test_32_samples_are_enough(convert_tiny: Convert, samples: Path, tmp_path: Path) -> None:
    having = [s for s in SampleSet.open(samples) if len(s.modalities) == 3]
    write_index(samples, having[:32])
    report = convert_tiny(calibration=samples, precision="int8")
    assert {part.precision for part in report.parts} == {"int8"}


def test_too_few_samples_are_an_error_even_with_an_evaluation_set(
    convert_tiny: Convert, samples: Path, sample_set: SampleSet
) -> None:
    rewrite(samples, {}, keep=20)
    with pytest.raises(DataError, match="at least 32"):
        convert_tiny(calibration=samples, evaluation=sample_set.root)


def test_a_missing_sample_set_is_named(convert_tiny: Convert, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no sample set at .*nowhere"):
        convert_tiny(calibration=tmp_path / "nowhere")


def test_an_evaluation_set_judges_alone(
    convert_tiny: Convert, sample_set: SampleSet, tmp_path: Path
) -> None:
    held = make_sample_set(tmp_path / "held", count=10, seed=100)
    report = convert_tiny(evaluation=held.root)
    assert (report.quality.source, report.quality.samples) == ("evaluation set", 10)
    provenance = Bundle.open(tmp_path / "out.edge").manifest.provenance
    assert provenance.calibration == sample_set.digest()
    assert provenance.evaluation == held.digest()
    assert (provenance.calibration_samples, provenance.evaluation_samples) == (48, 10)


def test_the_evaluation_set_has_no_part_in_the_graphs(
    convert_tiny: Convert, exports: Callable[[], Path], samples: Path, tmp_path: Path
) -> None:
    held = make_sample_set(tmp_path / "held", count=10, seed=100)

    def run(name: str) -> dict[str, bytes]:
        convert_tiny(
            calibration=samples,
            evaluation=held.root,
            precision="int8",
            cache=exports(),
            output=tmp_path / name,
        )
        return graphs(tmp_path / name)

    before = run("before")
    louder(held.root, held[0])
    assert run("held out") == before
    louder(samples, SampleSet.open(samples)[0])
    assert run("calibrates") != before


def test_without_one_a_share_is_held_out_and_has_no_part_in_the_graphs(
    convert_tiny: Convert, samples: Path, tmp_path: Path
) -> None:
    def run(name: str) -> dict[str, bytes]:
        report = convert_tiny(calibration=samples, precision="int8", output=tmp_path / name)
        assert report.quality.source == "held-out share of the calibration set"
        assert not report.warnings
        return graphs(tmp_path / name)

    everything = SampleSet.open(samples)
    before = run("before")
    provenance = Bundle.open(tmp_path / "before").manifest.provenance
    assert (provenance.calibration_samples, provenance.evaluation_samples) == (36, 12)
    # Find out by their effect which samples are held out: a quarter, spread over the set.
    held_out = [everything[i] for i in (3, 11, 19)]
    for sample in held_out:
        louder(samples, sample)
    assert run("held out") == before
    louder(samples, everything[0])
    assert run("calibrates") != before


def test_with_too_few_to_hold_out_the_report_warns(convert_tiny: Convert, samples: Path) -> None:
    having = [s for s in SampleSet.open(samples) if len(s.modalities) == 3]
    write_index(samples, having[:40])
    report = convert_tiny(calibration=samples)
    assert report.quality.source == "calibration set"
    assert report.quality.samples == 40
    assert any("40 calibration samples themselves" in warning for warning in report.warnings)


def test_a_sample_without_any_modality_is_passed_over(
    convert_tiny: Convert, samples: Path, tmp_path: Path
) -> None:
    convert_tiny(calibration=samples, precision="int8", output=tmp_path / "one")
    everything = list(SampleSet.open(samples))
    # In front of a group of four, so that the others stay in their share.
    empty = [Sample(id=f"empty{i}", labels={"intent": "stop"}) for i in range(4)]
    write_index(samples, [*everything, *empty])
    convert_tiny(calibration=samples, precision="int8", output=tmp_path / "two")
    assert graphs(tmp_path / "one") == graphs(tmp_path / "two")


def test_an_evaluation_set_of_other_modalities_is_an_error(
    convert_tiny: Convert, tmp_path: Path
) -> None:
    (tmp_path / "held").mkdir()
    write_index(tmp_path / "held", [Sample(id="a", labels={"intent": "stop"})])
    with pytest.raises(DataError, match="what this model takes: audio, image, text"):
        convert_tiny(evaluation=tmp_path / "held")


@pytest.mark.parametrize("index", [0, 3])
@pytest.mark.parametrize(("modality", "content"), [("audio", b"RIFF"), ("image", b"\x89PNG\r\n")])
def test_a_broken_file_is_named(
    convert_tiny: Convert, samples: Path, tmp_path: Path, index: int, modality: str, content: bytes
) -> None:
    name = getattr(SampleSet.open(samples)[index], modality)
    (samples / name).write_bytes(content)
    with pytest.raises(InputError, match=name) as caught:
        convert_tiny(calibration=samples)
    assert caught.value.exit_code == 3
    assert not (tmp_path / "out.edge").exists()


def test_an_input_that_cannot_be_used_names_its_sample(
    convert_tiny: Convert, samples: Path
) -> None:
    changed = msgspec.structs.replace(SampleSet.open(samples)[2], text="?!")
    rewrite(samples, {2: changed})
    with pytest.raises(InputError, match=f"The text of sample {changed.id!r} in .*samples: "):
        convert_tiny(calibration=samples)


def test_an_unknown_label_is_an_error(convert_tiny: Convert, samples: Path, tmp_path: Path) -> None:
    first = SampleSet.open(samples)[3]
    rewrite(samples, {3: msgspec.structs.replace(first, labels={"intent": "dance"})})
    with pytest.raises(DataError, match=f"{first.id} is labelled 'dance'"):
        convert_tiny(calibration=samples)
    assert not (tmp_path / "out.edge").exists()


def test_labels_of_heads_that_the_model_lacks_are_passed_over(
    convert_tiny: Convert, samples: Path
) -> None:
    bare = [msgspec.structs.replace(s, labels={"mood": "good"}) for s in SampleSet.open(samples)]
    write_index(samples, bare)
    report = convert_tiny(calibration=samples)
    assert [q.samples for q in report.quality.heads.values()] == [0, 0]
    assert all(0 <= q.agreement <= 1 for q in report.quality.heads.values())

"""Sample sets become examples through the device's own front-ends."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image

from edge_sdk.converters.fusion.dataset import SampleExamples
from edge_sdk.errors import DataError, InputError
from edge_sdk.frontends import Frontends
from edge_sdk.samples import Sample, SampleSet, write_index

from .conftest import BANDS, HEADS, SIDE, tiny


@pytest.fixture
def samples(tmp_path: Path) -> SampleSet:
    rng = np.random.default_rng(0)
    soundfile.write(tmp_path / "a.wav", rng.normal(0, 0.1, 8000), 16000)
    soundfile.write(tmp_path / "b.wav", rng.normal(0, 0.1, (4410, 2)), 44100)
    picture = rng.integers(0, 256, (20, 30, 3), dtype=np.uint8)
    Image.fromarray(picture).save(tmp_path / "i.png")
    write_index(
        tmp_path,
        [
            Sample(id="1", audio="a.wav", image="i.png", text="w1 w2 w3", labels={"shape": "b"}),
            Sample(id="2", audio="b.wav", labels={"tone": "high", "other": "x"}),
            Sample(id="3", text="w0"),
        ],
    )
    return SampleSet.open(tmp_path)


def test_examples_are_what_the_front_ends_give(samples: SampleSet) -> None:
    frontends = Frontends(tiny().frontends)
    examples = SampleExamples(samples, frontends, HEADS)
    first, second, third = examples
    assert first.inputs["audio"].shape == (1 + (8000 - 400) // 160, BANDS)
    assert first.inputs["image"].shape == (3, SIDE, SIDE)
    assert first.inputs["text"].tolist() == [3, 4, 5]
    assert first.labels == {"shape": 1}
    assert set(second.inputs) == {"audio"}
    assert second.labels == {"tone": 1}
    assert third.inputs["text"].tolist() == [2]
    assert third.labels == {}
    wave, _ = soundfile.read(samples.path("a.wav"), dtype="float32")
    np.testing.assert_array_equal(first.inputs["audio"], frontends.audio.batch(wave))


def test_batches_cover_the_set_in_order(samples: SampleSet) -> None:
    examples = SampleExamples(samples, Frontends(tiny().frontends), HEADS)
    first, second = examples.batches(2)
    assert (len(first), len(second)) == (2, 1)
    assert first.mask.tolist() == [[1, 1, 1], [1, 0, 0]]
    assert second.mask.tolist() == [[0, 0, 1]]
    assert first.labels["shape"].tolist() == [1, -100]


def test_a_label_of_another_model_is_named(samples: SampleSet) -> None:
    wrong = samples.subset([Sample(id="9", text="w1", labels={"shape": "octagon"})])
    with pytest.raises(DataError, match=r"'9' has the shape 'octagon'"):
        list(SampleExamples(wrong, Frontends(tiny().frontends), HEADS))


def test_an_unreadable_recording_is_named(samples: SampleSet) -> None:
    broken = samples.subset([Sample(id="9", audio="i.png")])
    with pytest.raises(InputError, match=r"i\.png"):
        list(SampleExamples(broken, Frontends(tiny().frontends), HEADS))

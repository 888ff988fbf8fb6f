"""The shipped checkpoint in fp32: each engine answers held-out samples as torch does."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from edge_sdk import FusionSession
from edge_sdk.converters import convert
from edge_sdk.converters.checkpoint import read_checkpoint
from edge_sdk.converters.fusion.batch import Example, collate
from edge_sdk.frontends import Frontends
from edge_sdk.frontends.image import read_picture
from edge_sdk.frontends.media import sample_features
from edge_sdk.frontends.recording import read_recording
from edge_sdk.samples import SampleSet, write_index

ROOT = Path(__file__).parents[2]
CHECKPOINT = ROOT / "examples/show_and_ask/checkpoint"
DATA = ROOT / "build/demo/data"
#: Every so many held-out samples one is asked, 40 of 600.
STRIDE = 15


@pytest.fixture(scope="module")
def some(tmp_path_factory: pytest.TempPathFactory) -> SampleSet:
    """Held-out samples evenly over the demo's set, some of them without a modality."""
    if not (DATA / "held-out").is_dir():
        pytest.skip("the demo's data are not here: make data")
    everything = SampleSet.open(DATA / "held-out")
    picked = list(everything)[::STRIDE]
    root = tmp_path_factory.mktemp("some")
    for name in (name for sample in picked for name in sample.paths):
        (root / name).parent.mkdir(exist_ok=True)
        shutil.copy(everything.path(name), root / name)
    write_index(root, picked)
    return SampleSet.open(root)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("engine", ["onnxruntime", "litert"])
def test_probabilities_are_those_of_torch(some: SampleSet, tmp_path: Path, engine: str) -> None:
    report = convert(
        CHECKPOINT, calibration=DATA / "calibration", evaluation=some.root, target="x86-64-v3",
        engines=[engine], precision="fp32", output=tmp_path / "demo.edge",
    )  # fmt: skip
    assert {part.engine for part in report.editions[0].parts} == {engine}
    model = read_checkpoint(CHECKPOINT).model
    worst, seen = 0.0, set()
    with FusionSession.open(tmp_path / "demo.edge", engine=engine) as session, torch.no_grad():
        frontends = Frontends(session.frontends.config)
        rate = frontends.audio.config.rate
        for sample in some:
            seen.add(sample.modalities)
            features = sample_features(frontends, some, sample, model.modalities)
            example = Example({name: value[0] for name, value in features.items()})
            logits = model(collate([example], model.modalities, model.head_names))
            heard = sample.audio and read_recording(some.path(sample.audio), frontends.audio.config)
            answer = session.infer(
                audio=None if heard is None else (heard, rate),
                image=sample.image and read_picture(some.path(sample.image)),
                text=sample.text,
            )
            for name, head in answer.heads.items():
                got = np.array(list(head.probabilities.values()))
                wanted = logits[name].softmax(1)[0].numpy()
                worst = max(worst, float(np.abs(got - wanted).max()))
    print(f"parity: {engine} {worst:.1e} over {len(some)} samples")
    assert worst <= 1e-4
    assert len(some) >= 40
    assert len(seen) > 1

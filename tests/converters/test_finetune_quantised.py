"""Quantisation-aware fine-tuning: it keeps a budget that plain int8 breaks."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from edge_sdk import load_target
from edge_sdk.bundle.manifest import Head
from edge_sdk.converters.cache import StageCache
from edge_sdk.converters.calibration.ranges import calibrate
from edge_sdk.converters.export.onnx import export_onnx
from edge_sdk.converters.parts import PartSpec
from edge_sdk.converters.pruning.plan import Recovery
from edge_sdk.converters.quantisation.finetune import finetune_quantised
from edge_sdk.converters.quantisation.plan import QuantisationPlan
from edge_sdk.converters.quantisation.static import quantise
from edge_sdk.converters.reference import Reference
from edge_sdk.converters.source import Source
from edge_sdk.errors import UsageError
from edge_sdk.frontends import Frontends
from edge_sdk.frontends.config import FrontendsConfig, ImageConfig
from edge_sdk.frontends.media import sample_features
from edge_sdk.samples import Sample, SampleSet, write_index
from edge_sdk.targets import Int8Scheme

SIDE = 16
FRONTENDS = FrontendsConfig(image=ImageConfig(height=SIDE, width=SIDE))
PROFILE = msgspec.structs.replace(load_target("rpi5"), int8=Int8Scheme(per_channel=False))
PLAN = QuantisationPlan(finetune=Recovery(epochs=12, patience=12, batch=8, rate=3e-3))


class Net(nn.Module):
    """Six channels, one of which has weights much larger than the others: one scale fits none."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.conv = nn.Conv2d(3, 6, 4, stride=4)
        self.classify = nn.Linear(6, 4)
        with torch.no_grad():
            self.classify.weight.normal_()
            self.conv.weight[0] *= 40
            self.conv.bias[0] *= 40  # type: ignore[index]
            self.classify.weight[:, 0] /= 40

    def centre(self, pixels: Tensor) -> None:
        """All labels are given on some of these pictures."""
        with torch.no_grad():
            self.classify.bias -= self(pixels).mean(0)

    def forward(self, pixels: Tensor) -> Tensor:
        found: Tensor = self.classify(torch.relu(self.conv(pixels)).mean((2, 3)))
        return found


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> SampleSet:
    """140 pictures of random colours and gradients, without labels."""
    root, rng = tmp_path_factory.mktemp("pictures"), np.random.default_rng(0)
    found = []
    for i in range(140):
        corners = rng.integers(0, 256, (2, 2, 3)).astype(np.uint8)
        path = root / f"{i}.png"
        Image.fromarray(corners).resize((SIDE, SIDE)).save(path)
        found.append(Sample(id=f"s{i}", image=path.name))
    write_index(root, found)
    return SampleSet.open(root)


@pytest.fixture(scope="module")
def source(samples: SampleSet) -> Source:
    net = Net().eval()
    frontends = Frontends(FRONTENDS)
    pixels = [sample_features(frontends, samples, s, ["image"])["image"] for s in samples]
    net.centre(torch.from_numpy(np.concatenate(pixels)))
    spec = PartSpec(
        name="head", module=net, example=(torch.zeros(1, 3, SIDE, SIDE),), inputs=("image",),
        outputs=("mood",),
    )  # fmt: skip
    return Source(
        name="net", digest="net", parts=(spec,), module=net,
        frontends=FRONTENDS,
        heads=(Head(name="mood", labels=("a", "b", "c", "d")),),
    )  # fmt: skip


def changed(source: Source, exact: Source, samples: SampleSet) -> float:
    """Points of labels that the int8 form of ``source`` changes against ``exact`` in fp32."""
    graph, reference = export_onnx(source.parts[0]), Reference(export_onnx(exact.parts[0]))
    frontends = Frontends(source.frontends)
    feeds = [sample_features(frontends, samples, s, ["image"]) for s in samples]
    runner = Reference(quantise(graph, calibrate(graph, feeds), PROFILE.int8))
    labels = [[r.run(f)["mood"].argmax() for r in (reference, runner)] for f in feeds]
    return 100 * float(np.mean([a != b for a, b in labels]))


def test_a_budget_that_plain_int8_breaks_is_kept_after_fine_tuning(
    source: Source, samples: SampleSet, tmp_path: Path
) -> None:
    everything = list(samples)
    training, held = samples.subset(everything[:60]), samples.subset(everything[60:])
    budget = 10.0
    assert changed(source, source, held) > budget
    store = StageCache(tmp_path)
    before = {n: t.clone() for n, t in source.module.state_dict().items()}  # type: ignore[union-attr]
    tuned = finetune_quantised(source, PLAN, profile=PROFILE, training=training, store=store)
    assert tuned.report.best is not None
    assert tuned.layers == {"head": ("conv", "classify")}
    assert changed(tuned.source, source, held) <= budget
    assert tuned.source.digest != source.digest
    assert isinstance(tuned.source.module, Net)
    assert type(tuned.source.module.conv) is nn.Conv2d
    after = source.module.state_dict()  # type: ignore[union-attr]
    assert all(torch.equal(before[name], after[name]) for name in before)
    again = finetune_quantised(source, PLAN, profile=PROFILE, training=training, store=store)
    assert again.source.digest == tuned.source.digest


def test_without_bounds_or_a_module_there_is_nothing_to_train(
    source: Source, samples: SampleSet
) -> None:
    with pytest.raises(UsageError, match="no finetune"):
        finetune_quantised(source, QuantisationPlan(), profile=PROFILE, training=samples)
    graph = msgspec.structs.replace(source, module=None)
    with pytest.raises(UsageError, match="came as a graph"):
        finetune_quantised(graph, PLAN, profile=PROFILE, training=samples)

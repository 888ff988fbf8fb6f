"""What several rooms' tests need: a small checkpoint, a sample set, and a bundle made of them."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from edge_sdk.frontends.config import AudioFeaturesConfig, FrontendsConfig, ImageConfig, TextConfig
from edge_sdk.samples import SampleSet

from .browser import CHROMIUM, Browser, open_browser
from .synthetic import COLOURS, COMMANDS, LABELS, make_sample_set

# No test asserts wall time, so neither does Hypothesis of an example.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture(scope="session")
def tiny_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an untrained model of a few thousand weights over audio, image and text."""
    import torch

    from edge_sdk.converters.fusion import config as c
    from edge_sdk.converters.fusion.checkpointing import save_checkpoint
    from edge_sdk.converters.fusion.model import FusionModel

    words = sorted({word for command in COMMANDS for word in command.split()})
    config = c.ModelConfig(
        name="tiny",
        frontends=FrontendsConfig(
            audio=AudioFeaturesConfig(bands=16, mean=-4.0, scale=0.25, max_seconds=10.0),
            image=ImageConfig(height=24, width=24),
            text=TextConfig(vocabulary=("[pad]", "[unk]", *words, "##s"), max_tokens=12),
        ),
        model=c.FusionConfig(
            heads=(c.Head(name="intent", labels=LABELS), c.Head(name="colour", labels=COLOURS)),
            audio=c.GruAudio(trunk=c.CausalTrunk(channels=(8, 12), kernel=3), hidden=8,
                             embedding=12),
            image=c.ImageCnn(stem=8, stages=(c.Stage(channels=8, expand=2),), top=16,
                             embedding=12),
            text=c.GruText(width=8, hidden=8, embedding=8),
            fusion=c.ConcatFusion(width=16),
        ),
    )  # fmt: skip
    torch.set_num_threads(1)
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("checkpoint") / "tiny"
    return save_checkpoint(folder, FusionModel(config).eval(), config)


@pytest.fixture(scope="session")
def sample_set(tmp_path_factory: pytest.TempPathFactory) -> SampleSet:
    """48 synthetic samples with the labels of ``tiny_checkpoint``; some lack a modality."""
    return make_sample_set(tmp_path_factory.mktemp("samples"))


@pytest.fixture(scope="session")
def stage_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where ``tiny_bundle`` left its exported graphs; converting with it takes a moment."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def tiny_bundle(
    tiny_checkpoint: Path,
    sample_set: SampleSet,
    stage_cache: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """An int8 ``.edge`` bundle of ``tiny_checkpoint``. Copy it before you harm it."""
    from edge_sdk.converters import convert

    output = tmp_path_factory.mktemp("bundle") / "tiny.edge"
    convert(
        tiny_checkpoint,
        target="local",
        calibration=sample_set.root,
        output=output,
        max_drop=100,
        precision="int8",
        cache=stage_cache,
    )
    return output


@pytest.fixture(scope="session")
def tiny_bundle_folder(tiny_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``tiny_bundle`` as a folder. Copy it before you harm it."""
    folder = tmp_path_factory.mktemp("bundle") / "tiny"
    with zipfile.ZipFile(tiny_bundle) as archive:
        archive.extractall(folder)
    return folder


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A browser to look at pages with: ``browser.look(path).check()``."""
    if shutil.which(CHROMIUM) is None:
        pytest.skip("there is no chromium here: run scripts/system_packages.sh browser")
    with open_browser() as opened:
        yield opened

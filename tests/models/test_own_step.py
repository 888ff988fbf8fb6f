"""A model that brings its own step: used where its layers do not show how it streams."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from edge_sdk.bundle import Bundle
from edge_sdk.converters import convert
from edge_sdk.errors import CheckpointError, ExportError, UsageError
from edge_sdk.frontends import Frontends
from edge_sdk.runtimes.engines import EngineOptions
from edge_sdk.runtimes.parts import LoadedParts
from edge_sdk.runtimes.streaming import StreamingAudio

from .conftest import tone

SPEC = """
    name = "loudest"

    [[inputs]]
    name = "speech"
    modality = "audio"
    frontend = {{ bands = 20, max_seconds = 3 }}

    [[outputs]]
    name = "mood"
    labels = ["low", "middle", "high"]

    [parts]
    head = "head"
    [parts.encoders]
    speech = "hear"
    [parts.streaming.speech]
    step = "{step}"
    frames = 4
    states = {states}
"""


class Loudest(nn.Module):
    """The largest value of each channel over time: a past that no rule knows."""

    def __init__(self) -> None:
        super().__init__()
        self.wide, self.head = nn.Linear(20, 8), nn.Linear(8, 3)

    def hear(self, x: Tensor) -> Tensor:
        return torch.relu(self.wide(x)).amax(1)

    def step(self, x: Tensor, most: Tensor) -> tuple[Tensor, Tensor]:
        new = torch.maximum(self.hear(x), most)
        return new, new

    def forgets(self, x: Tensor, most: Tensor) -> tuple[Tensor, Tensor]:
        new = self.hear(x)
        return new, new

    def alone(self, x: Tensor, most: Tensor) -> Tensor:
        return torch.maximum(self.hear(x), most)

    def forward(self, speech: Tensor) -> Tensor:
        return self.head(self.hear(speech))


def converted(folder: Path, samples: Path, step: str, states: str, **options: Any) -> Path:
    torch.manual_seed(0)
    spec = folder / "model.toml"
    spec.write_text(textwrap.dedent(SPEC.format(step=step, states=states)))
    output = folder / "out.edge"
    convert(
        Loudest(), spec=spec, calibration=samples, output=output, target="rpi5", max_drop=100,
        cache=None, **options,
    )  # fmt: skip
    return output


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_its_step_gives_what_the_encoder_gives(
    tmp_path: Path, samples: Path, precision: str
) -> None:
    path = converted(tmp_path, samples, "step", "[[1, 8]]", precision=precision)
    bundle = Bundle.open(path)
    streaming = bundle.manifest.parts[0].variants[0].streaming
    assert streaming is not None
    assert streaming.file == f"parts/audio.{precision}.step.onnx"
    parts = LoadedParts(bundle, "onnxruntime", EngineOptions())
    x = tone(np.random.default_rng(3), 1.0)
    frames = Frontends(bundle.manifest.frontends).audio.batch(x)
    with StreamingAudio.open(bundle) as audio:
        assert audio.encoder.mode == "stateful"
        got = audio.push(x)
    assert got is not None
    wanted = parts.encode("audio", frames[None, : len(frames) // 8 * 8])
    assert np.square(got - wanted).sum() < 0.01 * np.square(wanted).sum()


def test_a_step_that_forgets_is_refused(tmp_path: Path, samples: Path) -> None:
    with pytest.raises(ExportError, match=r"parts\.streaming differs from the encoder by"):
        converted(tmp_path, samples, "forgets", "[[1, 8]]", precision="fp32")


@pytest.mark.parametrize(
    ("step", "states", "error", "why"),
    [
        ("alone", "[[1, 8]]", CheckpointError, "and its 1 states"),
        ("step", "[[1, 7]]", CheckpointError, "does not run"),
        ("stop", "[[1, 8]]", UsageError, "has no 'stop'"),
        ("step", "[]", UsageError, "parts.streaming"),
    ],
)
def test_a_step_that_is_none_is_refused(
    tmp_path: Path, samples: Path, step: str, states: str, error: type[Exception], why: str
) -> None:
    with pytest.raises(error, match=why):
        converted(tmp_path, samples, step, states)

"""A mistake in a spec, a model or a call is one sentence that says where and what to do."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
import numpy as np
import pytest
import soundfile
import torch
from torch import Tensor, nn

from edge_sdk.converters import convert
from edge_sdk.converters.export.onnx import export_onnx
from edge_sdk.converters.parts import PartSpec
from edge_sdk.converters.sources import Origin, read_source
from edge_sdk.errors import CheckpointError, EdgeError, ExportError, InputError, UsageError
from edge_sdk.samples import SampleSet, write_index

from .conftest import RATE, Held
from .test_fusions import ANSWER, AUDIO, TEXT


def net() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(20, 3))


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ('name = "x"\ninputs = []\noutputs = []', "at inputs"),
        ('name = "x', "is not TOML"),
        ('name = "x"' + AUDIO + "    lenght = 3" + ANSWER, "at inputs[0]: object contains unknown"),
        ('name = "x"' + AUDIO + '    layout = "NFF"' + ANSWER, "at inputs[0].layout: 'NFF'"),
        ('name = "x"' + AUDIO + '    layout = "NT"' + ANSWER, "at inputs[0].layout: 'NT'"),
        (
            'name = "x"' + AUDIO.replace("bands", 'features = "waveform", bands') + ANSWER,
            "bands is of log-mel features",
        ),
        ('name = "x"' + AUDIO + "    range = [0, 1]" + ANSWER, "at inputs[0].range"),
        ('name = "x"' + AUDIO + AUDIO + ANSWER, "at inputs: speech is there twice"),
        ('name = "x"' + AUDIO.replace("20", "0") + ANSWER, "at inputs[0].frontend.bands"),
        ('name = "x"' + TEXT.replace("words.txt", "none.txt") + ANSWER, "inputs[0].vocabulary"),
        ('name = "x"' + TEXT + '    after = ["[sep]"]' + ANSWER, "at inputs[0].after"),
        ('name = "x"' + AUDIO + ANSWER + '    task = "binary"', "at outputs[0].labels"),
        (
            'name = "x"' + AUDIO + ANSWER + '[parts]\nhead = "a"\nencoders = { ear = "b" }',
            "at parts.encoders: ear is no input",
        ),
        (
            'name = "x"' + AUDIO + ANSWER + '[parts]\nhead = "1"\nencoders = { speech = "ear" }',
            "at parts.encoders.speech: Sequential has no 'ear'",
        ),
    ],
)
def test_a_wrong_spec_names_the_place(held: Held, spec: str, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_source(Origin(module=net(), spec=held.spec(spec)))
    assert words in str(caught.value)


class Frames(nn.Module):
    """Needs nine frames, and gives as many values as asked."""

    def __init__(self, values: int = 3) -> None:
        super().__init__()
        self.conv = nn.Conv1d(20, values, 9)

    def forward(self, speech: Tensor) -> Tensor:
        return self.conv(speech.transpose(1, 2)).mean(2)


def test_a_model_that_needs_more_frames_is_told_how_many(held: Held) -> None:
    spec = held.spec('name = "x"' + AUDIO + ANSWER)
    with pytest.raises(CheckpointError, match=r"layer conv.*set shortest = 9"):
        read_source(Origin(module=Frames(), spec=spec))


@pytest.mark.parametrize("judges", [False, True])
def test_a_sample_below_the_shortest_is_named(held: Held, tmp_path: Path, judges: bool) -> None:
    short = tmp_path / "short"
    shutil.copytree(held.samples, short)
    found = list(SampleSet.open(short))
    # 0.1 s are eight frames of 25 ms every 10 ms.
    soundfile.write(short / "brief.wav", np.linspace(-0.5, 0.5, RATE // 10), RATE)
    found[5] = msgspec.structs.replace(found[5], id="brief", audio="brief.wav")
    write_index(short, found)
    with pytest.raises(InputError) as caught:
        convert(
            Frames().eval(), spec=held.spec('name = "x"' + AUDIO + "    shortest = 9" + ANSWER),
            calibration=held.samples if judges else short, evaluation=short if judges else None,
            target="x86-64-v3", output=tmp_path / "x.edge", cache=None,
        )  # fmt: skip
    assert f"audio of sample 'brief' in {short}: it has 8 frames" in str(caught.value)
    assert "takes 9 or more" in str(caught.value)


def test_outputs_that_do_not_fit_the_labels_are_refused(held: Held) -> None:
    spec = held.spec('name = "x"' + AUDIO + "    shortest = 9" + ANSWER)
    with pytest.raises(CheckpointError, match=r"outputs\[0\].*\[1, 4\].*is 3 values"):
        read_source(Origin(module=Frames(4), spec=spec))


class Singular(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.linalg.svdvals(x)


class Branch(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x if x.sum() > 0 else -x


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        (Singular(), ("aten._linalg_svd", "the layer 1.0 (Singular)", "Matrix decompositions")),
        (Branch(), ("the layer 1.0 (Branch)", "torch.where")),
    ],
)
def test_what_cannot_be_exported_names_operator_layer_and_remedy(
    layer: nn.Module, words: tuple[str, ...]
) -> None:
    module = nn.Sequential(nn.Linear(8, 8), nn.Sequential(layer)).eval()
    part = PartSpec(
        name="head",
        module=module,
        example=(torch.randn(8, 8),),
        inputs=("x",),
        outputs=("y",),
    )
    with pytest.raises(ExportError) as caught:
        export_onnx(part)
    for word in words:
        assert word in str(caught.value)


def test_a_lazy_model_is_told_to_run_once(held: Held) -> None:
    spec = held.spec('name = "x"' + AUDIO + ANSWER)
    with pytest.raises(CheckpointError, match="run the model once"):
        read_source(Origin(module=nn.Sequential(nn.LazyLinear(3)), spec=spec))


def test_a_call_without_a_spec_or_with_a_wrong_name_says_so(held: Held, tmp_path: Path) -> None:
    spec = held.spec('name = "x"' + AUDIO + ANSWER)
    cases: list[tuple[Origin, str]] = [
        (Origin(module=net()), "--spec"),
        (Origin(model="nowhere", spec=spec), "package.module:callable"),
        (Origin(model="no.such:thing", spec=spec), "no module 'no'"),
        (Origin(path=tmp_path / "none.onnx"), "no checkpoint"),
    ]
    for origin, words in cases:
        with pytest.raises(EdgeError, match=words):
            read_source(origin)


def test_a_program_that_carries_objects_is_refused(held: Held, tmp_path: Path) -> None:
    import zipfile

    path = tmp_path / "net.pt2"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("net/data/constants/opaque_obj_0", b"cos\nsystem\n(S'true'\ntR.")
    with pytest.raises(CheckpointError, match="could run code"):
        read_source(Origin(path=path, spec=held.spec('name = "x"' + AUDIO + ANSWER)))

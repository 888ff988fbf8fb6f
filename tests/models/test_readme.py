"""The README's example spec and command work as they stand there."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from edge_sdk.cli.main import main

from .conftest import Held

README = Path(__file__).parents[2] / "README.md"
NET = """
from torch import Tensor, cat, nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(40, 12, 5, padding=2)
        self.cnn = nn.Sequential(
            nn.Conv2d(3, 8, 5, 4), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()
        )
        self.embedding = nn.Embedding(8, 8)
        self.classifier = nn.Linear(28, 3)

    def hear(self, speech):
        return self.conv(speech).relu().mean(2)

    def read(self, words):
        return self.embedding(words).mean(1)

    def fuse(self, speech, photo, words):
        return self.classifier(cat([speech, photo, words], 1))

    def forward(self, speech, photo, words):
        return self.fuse(self.hear(speech), self.cnn(photo), self.read(words))


def build():
    return Net()
"""


def test_the_example_converts_and_answers(
    held: Held, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = re.search(r"```toml\n(.*?)```", README.read_text("utf-8"), re.S)
    assert found is not None
    (held.folder / "model.toml").write_text(found[1])
    (held.folder / "readme_net.py").write_text(NET)
    monkeypatch.chdir(held.folder)
    monkeypatch.setattr(sys, "path", [*sys.path])
    from_here: dict[str, object] = {}
    exec(NET, from_here)
    torch.manual_seed(3)
    net: nn.Module = from_here["build"]()  # type: ignore[operator]
    save_file(net.state_dict(), "net.safetensors")
    with pytest.raises(SystemExit) as ended:
        main([
            "convert", "--model", "readme_net:build", "--weights", "net.safetensors",
            "--spec", "model.toml", "--target", "x86-64-v3", "--calibration", str(held.samples),
            "--max-drop", "100", "--precision", "fp32", "--no-cache", "--output", "mood.edge",
        ])  # fmt: skip
    assert ended.value.code == 0, capsys.readouterr().err

    def wanted(x: dict[str, Tensor]) -> Tensor:
        return net(x["audio"].transpose(1, 2), x["image"], x["text"])  # type: ignore[no-any-return]

    held.same(Path("mood.edge"), wanted)

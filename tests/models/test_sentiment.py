"""The sentiment network of the field's tutorials, whole and cut, in three file formats."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from .conftest import Held

SPEC = """
    name = "sentiment"
    [[inputs]]
    name = "picture"
    modality = "image"
    frontend = { height = 32, width = 32 }
    range = [0, 1]
    [[inputs]]
    name = "speech"
    modality = "audio"
    frontend = { bands = 20, max_seconds = 3 }
    [[inputs]]
    name = "words"
    modality = "text"
    vocabulary = "words.txt"
    frontend = { max_tokens = 10 }
    [[outputs]]
    name = "mood"
    task = "binary"
    output = "probabilities"
    labels = ["low", "high"]
"""


class Sentiment(nn.Module):
    """A CNN, a two-layer BiLSTM's last states and averaged word vectors, concatenated."""

    def __init__(self, recurrent: bool = True) -> None:
        super().__init__()
        self.cnn = nn.Sequential(
            nn.Conv2d(3, 8, 3, 2), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 16, 3, 2), nn.ReLU(),
            nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        )  # fmt: skip
        self.lstm = (
            nn.LSTM(20, 16, num_layers=2, bidirectional=True, batch_first=True, dropout=0.3)
            if recurrent
            else None
        )
        self.frames = nn.Linear(20, 32)
        self.embedding = nn.Embedding(8, 8, padding_idx=0)
        self.classifier = nn.Sequential(
            nn.Linear(16 + 32 + 8, 16), nn.ReLU(), nn.Dropout(), nn.Linear(16, 1)
        )

    def hear(self, speech: Tensor) -> Tensor:
        if self.lstm is None:
            return torch.tanh(self.frames(speech)).mean(1)
        _, (last, _) = self.lstm(speech)
        return torch.cat([last[-2], last[-1]], 1)

    def read(self, words: Tensor) -> Tensor:
        return self.embedding(words).mean(1)

    def fuse(self, picture: Tensor, speech: Tensor, words: Tensor) -> Tensor:
        return torch.sigmoid(self.classifier(torch.cat([picture, speech, words], 1)))

    def forward(self, picture: Tensor, speech: Tensor, words: Tensor) -> Tensor:
        return self.fuse(self.cnn(picture), self.hear(speech), self.read(words))


def build(recurrent: bool = True) -> Sentiment:
    torch.manual_seed(0)
    return Sentiment(recurrent).eval()


def test_the_whole_network_answers_as_the_module_does(held: Held) -> None:
    net = build()
    held.both(net, SPEC, lambda x: net(x["image"], x["audio"], x["text"]))


def test_the_network_cut_into_encoders_and_a_head_answers_the_same(held: Held) -> None:
    net = build()
    parts = """
    [parts]
    head = "fuse"
    [parts.encoders]
    picture = "cnn"
    speech = "hear"
    words = "read"
    """
    held.both(net, SPEC + parts, lambda x: net(x["image"], x["audio"], x["text"]))


def test_a_program_and_a_graph_answer_as_the_module_does(held: Held, tmp_path: Path) -> None:
    net = build(recurrent=False)
    example = {
        "picture": torch.randn(1, 3, 32, 32),
        "speech": torch.randn(1, 50, 20),
        "words": torch.arange(5)[None],
    }
    frames, tokens = torch.export.Dim("frames", min=2), torch.export.Dim("tokens", min=2)
    moving = {"picture": None, "speech": {1: frames}, "words": {1: tokens}}
    program = torch.export.export(net, (), example, dynamic_shapes=moving)
    torch.export.save(program, tmp_path / "net.pt2")
    found = torch.onnx.export(program, dynamo=True, opset_version=18, verbose=False)
    assert found is not None
    found.save(tmp_path / "net.onnx")

    def wanted(x: Mapping[str, Tensor]) -> Tensor:
        return net(x["image"], x["audio"], x["text"])  # type: ignore[no-any-return]

    for name in ("net.pt2", "net.onnx"):
        held.both(tmp_path / name, SPEC, wanted)

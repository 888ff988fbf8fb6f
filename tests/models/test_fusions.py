"""Networks that mix what exporters trip over: attention, recurrence, norms, odd layouts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from edge_sdk import FusionSession
from edge_sdk.errors import InputError

from .conftest import Held, inputs_of

AUDIO = """
    [[inputs]]
    name = "speech"
    modality = "audio"
    frontend = { bands = 20, max_seconds = 3 }
"""
IMAGE = """
    [[inputs]]
    name = "picture"
    modality = "image"
    frontend = { height = 32, width = 32 }
"""
TEXT = """
    [[inputs]]
    name = "words"
    modality = "text"
    vocabulary = "words.txt"
    frontend = { max_tokens = 10 }
"""
ANSWER = """
    [[outputs]]
    name = "mood"
    labels = ["low", "middle", "high"]
"""


class ImageAndText(nn.Module):
    """Depthwise convolutions, GroupNorm, LayerNorm and GELU beside word vectors; NHWC input."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 16, 4, 4)
        self.block = nn.Sequential(
            nn.Conv2d(16, 16, 7, padding=3, groups=16), nn.GroupNorm(4, 16), nn.GELU(),
            nn.Conv2d(16, 16, 1),
        )  # fmt: skip
        self.words = nn.Embedding(8, 16)
        self.norm = nn.LayerNorm(32)
        self.head = nn.Sequential(nn.Linear(32, 32), nn.GELU(), nn.Linear(32, 3))

    def forward(self, picture: Tensor, words: Tensor) -> Tensor:
        x = self.stem(picture.permute(0, 3, 1, 2))
        x = (x + self.block(x)).mean((2, 3))
        return self.head(self.norm(torch.cat([x, self.words(words).amax(1)], 1)))


class Recurrent(nn.Module):
    """Stacked bidirectional recurrence, time first, with a first state of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.gru = nn.GRU(20, 12, num_layers=2, bidirectional=True)
        self.lstm = nn.LSTM(24, 8, bias=False)
        self.start = nn.Parameter(torch.randn(1, 1, 8))
        self.head = nn.Linear(8 + 24 + 8, 3)

    def forward(self, speech: Tensor) -> Tensor:
        steps, state = self.gru(speech)
        out, (_, cell) = self.lstm(steps, (self.start, torch.zeros_like(self.start)))
        return self.head(torch.cat([out.mean(0), state[2], state[3], cell[0]], 1))


class Attention(nn.Module):
    """Tokens of every modality attend to each other; their number varies."""

    def __init__(self) -> None:
        super().__init__()
        self.frames = nn.Conv1d(20, 16, 3, padding=1)
        self.patches = nn.Conv2d(3, 16, 8, 8)
        self.words = nn.Embedding(8, 16)
        self.cross = nn.MultiheadAttention(16, 4, batch_first=True)
        self.layer = nn.TransformerEncoderLayer(16, 4, 32, batch_first=True, activation="gelu")
        self.head = nn.Linear(16, 3)

    def forward(self, speech: Tensor, picture: Tensor, words: Tensor) -> Tensor:
        tokens = torch.cat(
            [
                self.frames(speech).transpose(1, 2),
                self.patches(picture).flatten(2).transpose(1, 2),
            ],
            1,
        )
        asked, _ = self.cross(self.words(words), tokens, tokens)
        return self.head(self.layer(torch.cat([asked, tokens], 1)).mean(1))


def test_image_and_text_with_norms_and_channels_last(held: Held) -> None:
    net = ImageAndText().eval()
    spec = 'name = "norms"' + IMAGE + '    layout = "NHWC"' + TEXT + ANSWER
    held.both(net, spec, lambda x: net(x["image"].permute(0, 2, 3, 1), x["text"]))


def test_stacked_bidirectional_recurrence_with_time_first(held: Held) -> None:
    net = Recurrent().eval()
    spec = 'name = "recurrent"' + AUDIO + '    layout = "TNF"' + ANSWER
    held.both(net, spec, lambda x: net(x["audio"].transpose(0, 1)))


def test_attention_over_a_variable_number_of_tokens(held: Held) -> None:
    net = Attention().eval()
    spec = 'name = "attention"' + AUDIO + '    layout = "NFT"' + IMAGE + TEXT + ANSWER
    held.both(net, spec, lambda x: net(x["audio"].transpose(1, 2), x["image"], x["text"]))


def test_a_fixed_number_of_frames_is_cut_and_padded_as_the_spec_says(held: Held) -> None:
    torch.manual_seed(1)
    net = nn.Sequential(
        nn.Conv2d(1, 4, 3, 2), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 9 * 24, 3)
    ).eval()
    spec = 'name = "fixed"' + AUDIO + '    layout = "N1FT"\n    length = 50\n    keep = "last"'

    def wanted(x: dict[str, Tensor]) -> Tensor:
        frames = torch.cat([torch.zeros(1, 50, 20), x["audio"]], 1)[:, -50:]
        return net(frames.transpose(1, 2)[:, None])  # type: ignore[no-any-return]

    held.both(net, spec + ANSWER, wanted)


class Masked(nn.Module):
    """A head that is told what is there, in the order of the spec, and weighs by it."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(8, 16)
        self.frames = nn.Conv1d(20, 16, 9)
        self.head = nn.Linear(16, 3)

    def read(self, words: Tensor) -> Tensor:
        return self.words(words).mean(1)

    def hear(self, speech: Tensor) -> Tensor:
        return self.frames(speech).mean(2)

    def fuse(self, words: Tensor, speech: Tensor, mask: Tensor) -> Tensor:
        both = words * mask[:, :1] + speech * mask[:, 1:] * 2
        return self.head(both / mask.sum(1, keepdim=True))


MASKED = (
    'name = "masked"' + TEXT + AUDIO + '    layout = "NFT"\n    shortest = 9\n' + ANSWER
    + """
    [parts]
    head = "fuse"
    mask = true
    encoders = { speech = "hear", words = "read" }
"""
)  # fmt: skip


def test_a_head_with_a_mask_answers_whatever_is_there(held: Held) -> None:
    net = Masked().eval()
    bundle = held.convert(net, MASKED)["fp32"]
    rng = np.random.default_rng(3)
    inputs = inputs_of(("audio", "text"), rng, 0.5, 4)
    with FusionSession.open(bundle) as session, torch.no_grad():
        speech = torch.from_numpy(session.features("audio", inputs["audio"])).transpose(1, 2)
        words = torch.from_numpy(session.features("text", inputs["text"]))
        heard, read, none = net.hear(speech), net.read(words), torch.zeros(1, 16)
        for given, pair, mask in (
            ({"audio", "text"}, (read, heard), [1.0, 1.0]),
            ({"audio"}, (none, heard), [0.0, 1.0]),
            ({"text"}, (read, none), [1.0, 0.0]),
        ):
            answer = session.infer(**{name: inputs[name] for name in given})
            wanted = net.fuse(*pair, torch.tensor([mask])).softmax(1).numpy()
            got = list(answer.heads["mood"].probabilities.values())
            np.testing.assert_allclose(got, wanted[0], atol=1e-5)


def test_fewer_frames_than_the_spec_says_are_refused_on_the_device(held: Held) -> None:
    bundle = held.convert(Masked().eval(), MASKED)["fp32"]
    rng = np.random.default_rng(3)
    with FusionSession.open(bundle) as session:
        with pytest.raises(InputError, match="audio has 6 frames, and this model takes 9 or more"):
            session.infer(**inputs_of(("audio",), rng, 0.08, 1))
        session.infer(**inputs_of(("audio",), rng, 0.12, 1))


class Listening(nn.Module):
    """Strided convolutions over samples ``[batch, n]``, of any number."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv1d(1, 8, 32, stride=16)
        self.second = nn.Conv1d(8, 16, 8, stride=4)
        self.answer = nn.Linear(16, 3)

    def forward(self, speech: Tensor) -> Tensor:
        x = torch.relu(self.first(speech[:, None]))
        return self.answer(torch.relu(self.second(x)).mean(2))


WAVEFORM = AUDIO.replace("bands = 20", 'features = "waveform"') + '    layout = "NT"\n'


def test_a_waveform_of_any_length(held: Held) -> None:
    net = Listening().eval()
    spec = 'name = "listening"' + WAVEFORM + "    shortest = 200" + ANSWER
    held.both(net, spec, lambda x: net(x["audio"][:, :, 0]))


def test_a_waveform_for_an_onnx_file(held: Held, tmp_path: Path) -> None:
    net = Listening().eval()
    ends = {"input_names": ["speech"], "output_names": ["mood"]}
    found = torch.onnx.export(
        net, (torch.zeros(1, 4000),), dynamo=True, opset_version=18, verbose=False,
        dynamic_shapes=({1: torch.export.Dim("n", min=200, max=48000)},), **ends,
    )  # fmt: skip
    assert found is not None
    found.save(tmp_path / "net.onnx")
    spec = 'name = "listening"' + WAVEFORM + "    shortest = 200" + ANSWER
    held.both(tmp_path / "net.onnx", spec, lambda x: net(x["audio"][:, :, 0]))

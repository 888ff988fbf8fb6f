"""Foreign models for three engines in one run: each engine answers as the module does.

LiteRT runs for real. TensorRT's graphs run in ONNX Runtime, after TensorRT's compiler has taken
each of them where it is installed. Inputs of any length get one in the spec: recurrent layers are
unrolled for TFLite, so it is short.
"""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from .conftest import Held
from .test_fusions import ANSWER, AUDIO, IMAGE, TEXT, Attention, ImageAndText, Recurrent
from .test_hugging_face import SECOND, Clip, lively, second, speech, vision
from .test_sentiment import SPEC, build

FRAMES, TOKENS = "    length = 12\n", "    length = 6\n"
SENTIMENT = SPEC.replace("max_seconds = 3 }", "max_seconds = 3 }\n" + FRAMES).replace(
    "max_tokens = 10 }", "max_tokens = 10 }\n" + TOKENS
)
PARTS = """
    [parts]
    head = "fuse"
    [parts.encoders]
    picture = "cnn"
    speech = "hear"
    words = "read"
"""


def frames(x: Tensor, count: int = 12, last: bool = False) -> Tensor:
    """``x`` ``[1, T, F]`` cut or padded with zeros to ``count`` frames."""
    filler = torch.zeros(1, count, x.shape[2])
    return torch.cat([filler, x], 1)[:, -count:] if last else torch.cat([x, filler], 1)[:, :count]


def tokens(x: Tensor, count: int = 6) -> Tensor:
    """``x`` ``[1, L]`` cut or padded with 0 to ``count`` tokens."""
    return torch.cat([x, torch.zeros(1, count, dtype=torch.int64)], 1)[:, :count]


class Small(nn.Module):
    """The last frames against the words, by attention."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(8, 20)
        self.cross = nn.MultiheadAttention(20, 2, batch_first=True)
        self.head = nn.Linear(20, 3)

    def forward(self, speech: Tensor, words: Tensor) -> Tensor:
        asked, _ = self.cross(self.words(words), speech, speech)
        return self.head(asked.amax(1))


def test_a_small_attention_with_two_fixed_lengths(held: Held) -> None:
    net = Small().eval()
    nn.init.normal_(net.cross.in_proj_weight)
    spec = 'name = "small"' + AUDIO + FRAMES + '    keep = "last"\n' + TEXT + TOKENS
    spec += '    before = ["dull"]\n    after = ["plot"]\n' + ANSWER

    def wanted(x: dict[str, Tensor]) -> Tensor:
        ids = torch.cat([torch.tensor([[6]]), x["text"], torch.tensor([[7]])], 1)
        return net(frames(x["audio"], last=True), tokens(ids))  # type: ignore[no-any-return]

    held.everywhere(net, spec, wanted, precisions=["float"])


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("cut", ["", PARTS])
def test_the_tutorials_sentiment_network(held: Held, cut: str) -> None:
    net = build()
    held.everywhere(
        net, SENTIMENT + cut, lambda x: net(x["image"], frames(x["audio"]), tokens(x["text"]))
    )


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_what_litert_cannot_express_falls_back_by_name(held: Held) -> None:
    net = build()
    held.everywhere(
        net, SPEC + PARTS, lambda x: net(x["image"], x["audio"], x["text"]),
        precisions=["float"],
        fallbacks={"audio": "falls back to onnxruntime: ", "text": "Set length for each"},
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_image_and_text_with_norms_and_channels_last(held: Held) -> None:
    net = ImageAndText().eval()
    spec = 'name = "norms"' + IMAGE + '    layout = "NHWC"' + TEXT + TOKENS + ANSWER
    held.everywhere(net, spec, lambda x: net(x["image"].permute(0, 2, 3, 1), tokens(x["text"])))


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_stacked_bidirectional_recurrence_with_time_first(held: Held) -> None:
    net = Recurrent().eval()
    spec = 'name = "recurrent"' + AUDIO + FRAMES + '    layout = "TNF"' + ANSWER
    held.everywhere(net, spec, lambda x: net(frames(x["audio"]).transpose(0, 1)))


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_attention_over_tokens_of_every_modality(held: Held) -> None:
    net = Attention().eval()
    spec = 'name = "attention"' + AUDIO + FRAMES + '    layout = "NFT"' + IMAGE + TEXT + TOKENS
    held.everywhere(
        net, spec + ANSWER,
        lambda x: net(frames(x["audio"]).transpose(1, 2), x["image"], tokens(x["text"])),
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("kind", ["resnet", "mobilenet", "convnext"])
def test_a_hugging_face_vision_network(held: Held, kind: str) -> None:
    net = lively(vision(kind))
    spec = f'name = "{kind}"' + IMAGE.replace("picture", "pixel_values") + ANSWER
    # Over MobileNet's 53 layers of random weights int8 is noise, other noise in LiteRT's fast
    # kernels than in its reference ones, and the conversion's own check refuses that.
    held.everywhere(
        net, spec + '    key = "logits"', lambda x: net(x["image"]).logits,
        precisions=["float"] if kind == "mobilenet" else ["float", "int8"],
        # Linear layers on four axes are more than TFLite's converter takes.
        fallbacks={"head": "batch_matmul"} if kind == "convnext" else None,
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_clip_with_begin_and_end_tokens(held: Held) -> None:
    net = Clip().eval()
    image = IMAGE.replace("picture", "pixel_values")
    text = TEXT.replace('"words"', '"input_ids"') + TOKENS
    text += '    before = ["dull"]\n    after = ["plot"]\n'

    def wanted(x: dict[str, Tensor]) -> Tensor:
        ids = torch.cat([torch.tensor([[6]]), x["text"], torch.tensor([[7]])], 1)
        return net(x["image"], tokens(ids))  # type: ignore[no-any-return]

    held.everywhere(net, 'name = "clip"' + image + text + ANSWER, wanted)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_second_of_waveform_for_wav2vec(held: Held) -> None:
    net = speech()
    spec = 'name = "wav2vec"' + SECOND + ANSWER + '    key = "logits"'
    held.everywhere(net, spec, lambda x: net(second(x["audio"])).logits)

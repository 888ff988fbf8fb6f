"""Models of the transformers library, built from configs: nothing is downloaded."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from .conftest import Held
from .test_fusions import ANSWER, IMAGE, TEXT, WAVEFORM

transformers = pytest.importorskip("transformers")


def vision(kind: str) -> nn.Module:
    if kind == "resnet":
        config = transformers.ResNetConfig(
            embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], layer_type="basic", num_labels=3
        )
        return transformers.ResNetForImageClassification(config)  # type: ignore[no-any-return]
    if kind == "mobilenet":
        config = transformers.MobileNetV2Config(image_size=32, depth_multiplier=0.25, num_labels=3)
        return transformers.MobileNetV2ForImageClassification(config)  # type: ignore[no-any-return]
    config = transformers.ConvNextConfig(
        hidden_sizes=[8, 16, 16, 24], depths=[1, 1, 1, 1], num_labels=3
    )
    return transformers.ConvNextForImageClassification(config)  # type: ignore[no-any-return]


def lively(net: nn.Module) -> nn.Module:
    """With larger weights: of the library's own, every picture gives the same."""
    for layer in net.modules():
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            nn.init.kaiming_normal_(layer.weight)
    return net.eval()


@pytest.mark.parametrize("kind", ["resnet", "mobilenet", "convnext"])
def test_a_vision_network(held: Held, kind: str) -> None:
    net = lively(vision(kind))
    spec = f'name = "{kind}"' + IMAGE.replace("picture", "pixel_values") + ANSWER
    # Over MobileNet's 53 layers of random weights the noise of int8 adds up, by a decibel a
    # layer; of a trained net the gate would decide.
    held.both(
        net, spec + '    key = "logits"', lambda x: net(x["image"]).logits,
        rough=0.5 if kind == "mobilenet" else 0.1,
    )  # fmt: skip


class Clip(nn.Module):
    """A small CLIP that says which of three prompts fits; the text goes with the picture."""

    def __init__(self) -> None:
        super().__init__()
        config = transformers.CLIPConfig(
            text_config={"vocab_size": 8, "hidden_size": 16, "intermediate_size": 32,
                         "num_hidden_layers": 1, "num_attention_heads": 2,
                         "max_position_embeddings": 12, "eos_token_id": 7, "bos_token_id": 6},
            vision_config={"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1,
                           "num_attention_heads": 2, "image_size": 32, "patch_size": 8},
            projection_dim=16,
        )  # fmt: skip
        self.clip = transformers.CLIPModel(config)
        self.head = nn.Linear(33, 3)
        # Logits of random weights that all but cancel are rounding noise in int8, and the
        # conversion's own check refuses that.
        nn.init.normal_(self.head.weight)

    def forward(self, pixel_values: Tensor, input_ids: Tensor) -> Tensor:
        out = self.clip(input_ids=input_ids, pixel_values=pixel_values)
        return self.head(torch.cat([out.image_embeds, out.text_embeds, out.logits_per_image], 1))


def test_a_clip_with_begin_and_end_tokens(held: Held) -> None:
    net = Clip().eval()
    image = IMAGE.replace("picture", "pixel_values")
    text = TEXT.replace('"words"', '"input_ids"') + '    before = ["dull"]\n    after = ["plot"]'

    def wanted(x: dict[str, Tensor]) -> Tensor:
        ids = torch.cat([torch.tensor([[6]]), x["text"], torch.tensor([[7]])], 1)
        return net(x["image"], ids)  # type: ignore[no-any-return]

    held.both(net, 'name = "clip"' + image + text + ANSWER, wanted)


def speech() -> nn.Module:
    """A small Wav2Vec2; a second of samples gives 198 frames."""
    config = transformers.Wav2Vec2Config(
        vocab_size=8, hidden_size=24, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=32, conv_dim=(16, 16, 24), conv_stride=(5, 4, 4),
        conv_kernel=(10, 8, 4), num_feat_extract_layers=3, num_conv_pos_embeddings=8,
        num_conv_pos_embedding_groups=2, classifier_proj_size=12, num_labels=3,
    )  # fmt: skip
    net = transformers.Wav2Vec2ForSequenceClassification(config).eval()
    nn.init.normal_(net.classifier.weight, std=0.3)
    return net  # type: ignore[no-any-return]


SECOND = WAVEFORM.replace("speech", "input_values") + "    length = 16000\n"


def second(x: Tensor) -> Tensor:
    """Samples ``[1, n, 1]`` -> ``[1, 16000]``, as the spec pads and cuts them."""
    samples = x[:, :16000, 0]
    return nn.functional.pad(samples, (0, 16000 - samples.shape[1]))


def test_a_second_of_waveform_for_wav2vec(held: Held) -> None:
    net = speech()
    spec = 'name = "wav2vec"' + SECOND + ANSWER + '    key = "logits"'
    held.both(net, spec, lambda x: net(second(x["audio"])).logits)

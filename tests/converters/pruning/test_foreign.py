"""Models that know nothing of the SDK: what the other tests convert is pruned here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from edge_sdk.converters.sources import Origin, read_source

from ...models.test_fusions import Attention, ImageAndText, Recurrent
from ...models.test_hugging_face import Clip, vision
from ...models.test_sentiment import SPEC, Sentiment
from .conftest import around, halved

IMAGE, AUDIO = torch.randn(1, 3, 32, 32), torch.randn(1, 50, 20)
WORDS = torch.tensor([[2, 3, 4, 5]])


class Logits(nn.Module):
    """What a model of the transformers library gives, as a tensor."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, *given: Tensor) -> Any:
        return self.net(*given).logits


def kept_of(net: nn.Module, *example: Tensor) -> dict[str, str]:
    """What stays beside the answers, and why, after half of the rest has gone."""
    found = halved(around(net, *example))
    assert found.report.difference < 1e-4
    assert found.report.parameters[1] < 0.75 * found.report.parameters[0]
    answers = "is what the model answers"
    return {k.name: k.why for k in found.report.kept if k.why != answers}


def test_norms_of_all_kinds_beside_word_vectors() -> None:
    assert kept_of(ImageAndText(), torch.randn(1, 32, 32, 3), WORDS) == {}


def test_stacked_bidirectional_recurrence_with_a_first_state_of_its_own() -> None:
    assert kept_of(Recurrent(), torch.randn(50, 1, 20)) == {}


def test_attention_across_modalities() -> None:
    assert kept_of(Attention(), torch.randn(1, 20, 50), IMAGE, WORDS) == {}


@pytest.mark.parametrize("kind", ["resnet", "mobilenet", "convnext"])
def test_a_vision_network(kind: str) -> None:
    assert kept_of(Logits(vision(kind)), IMAGE) == {}


def test_a_clip_keeps_the_space_in_which_it_compares() -> None:
    kept = kept_of(Clip(), IMAGE, torch.tensor([[6, 2, 3, 7]]))
    assert set(kept) == {"clip.visual_projection", "clip.text_projection"}
    assert all("over the channels" in why for why in kept.values())


@pytest.mark.parametrize("keep", [True, False], ids=["kept", "pruned"])
def test_a_network_cut_into_encoders_and_a_head(keep: bool, tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("[pad]\n[unk]\ngood\nbad\nfilm\nnice\ndull\nplot\n")
    parts = '\n[parts]\nhead = "fuse"\n[parts.encoders]\npicture = "cnn"\nspeech = "hear"\n'
    text = "\n".join(line.strip() for line in SPEC.splitlines()) + parts
    (tmp_path / "model.toml").write_text(text + 'words = "read"\n')
    torch.manual_seed(0)
    source = read_source(Origin(module=Sentiment().eval(), spec=tmp_path / "model.toml"))
    found = halved(source, keep_embeddings=keep)
    groups = {(g.part, g.name) for g in found.report.groups}
    assert groups >= {("image", "cnn.0"), ("head", "classifier.0")}
    embeddings = {("audio", "lstm"), ("image", "cnn.3"), ("text", "embedding")}
    assert embeddings.isdisjoint(groups) if keep else embeddings <= groups
    module: Any = found.source.module
    assert (module.classifier[0].in_features == 56) is keep
    with torch.no_grad():
        whole = module(IMAGE, AUDIO, WORDS)
    assert whole.shape == (1, 1)

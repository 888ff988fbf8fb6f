"""Small models and a separable toy task, shared by the tests of the fusion room."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from edge_sdk.converters.fusion.batch import Batch, Example, collate
from edge_sdk.converters.fusion.config import (
    AttentionFusion,
    AudioConfig,
    CausalTrunk,
    ConcatFusion,
    FusionConfig,
    FusionKind,
    GruAudio,
    GruText,
    GruVideo,
    Head,
    ImageCnn,
    MeanVideo,
    ModelConfig,
    Stage,
    TcnAudio,
    TextEncoderConfig,
    TransformerText,
    VideoEncoderConfig,
    WeightedFusion,
)
from edge_sdk.frontends.config import (
    AudioFeaturesConfig,
    FrontendsConfig,
    ImageConfig,
    TextConfig,
    VideoConfig,
)

BANDS, SIDE, WORDS = 12, 16, 10
TRUNK = CausalTrunk(channels=(8, 12, 12), kernel=3)
CNN = ImageCnn(stem=8, stages=(Stage(channels=8, depth=2, expand=2),), top=16, embedding=12)
AUDIO: dict[str, AudioConfig] = {
    "gru": GruAudio(trunk=TRUNK, hidden=8, embedding=12, dropout=0.0),
    "tcn": TcnAudio(trunk=TRUNK, dilations=(1, 2), embedding=12, dropout=0.0),
}
TEXT: dict[str, TextEncoderConfig] = {
    "gru": GruText(width=8, hidden=8, embedding=8, dropout=0.0),
    "transformer": TransformerText(
        width=8, layers=1, heads=2, feed_forward=16, embedding=8, dropout=0.0
    ),
}
VIDEO: dict[str, VideoEncoderConfig] = {
    "mean": MeanVideo(frame=CNN),
    "gru": GruVideo(frame=CNN, hidden=8, embedding=12),
}
FUSION: dict[str, FusionKind] = {
    "concat": ConcatFusion(width=16, dropout=0.0),
    "weighted": WeightedFusion(width=16, dropout=0.0),
    "attention": AttentionFusion(width=16, attention_heads=2, dropout=0.0),
}
HEADS = (Head(name="shape", labels=("a", "b", "c")), Head(name="tone", labels=("low", "high")))


def tiny(
    *,
    audio: str | None = "gru",
    image: bool = True,
    text: str | None = "gru",
    video: str | None = None,
    fusion: str = "concat",
    modality_dropout: float = 0.0,
    side: int = SIDE,
) -> ModelConfig:
    """A model of a few thousand weights with the kinds asked for."""
    picture = ImageConfig(height=side, width=side)
    vocabulary = ("[pad]", "[unk]", *(f"w{i}" for i in range(WORDS - 2)))
    return ModelConfig(
        name="tiny",
        frontends=FrontendsConfig(
            audio=AudioFeaturesConfig(bands=BANDS) if audio else None,
            image=picture if image else None,
            text=TextConfig(vocabulary=vocabulary) if text else None,
            video=VideoConfig(frame=picture, frames=3) if video else None,
        ),
        model=FusionConfig(
            heads=HEADS,
            audio=AUDIO[audio] if audio else None,
            image=CNN if image else None,
            text=TEXT[text] if text else None,
            video=VIDEO[video] if video else None,
            fusion=FUSION[fusion],
            modality_dropout=modality_dropout,
        ),
    )


def toy_example(rng: np.random.Generator, modalities: tuple[str, ...]) -> Example:
    """``shape`` is told by picture, clip and text, ``tone`` by audio; some may be missing."""
    shape, tone = int(rng.integers(3)), int(rng.integers(2))
    length = int(rng.integers(5, 30))
    audio = rng.normal(0, 0.3, (length, BANDS)).astype(np.float32)
    audio[:, tone * 6 : tone * 6 + 6] += 1.5
    picture = rng.normal(0, 0.3, (3, SIDE, SIDE)).astype(np.float32)
    picture[shape] += 1.5
    words = rng.integers(5, WORDS, int(rng.integers(1, 6)))
    words[int(rng.integers(len(words)))] = 2 + shape
    everything = {
        "audio": audio,
        "image": picture,
        "text": words.astype(np.int64),
        "video": np.stack([picture] * 3),
    }
    inputs = {name: everything[name] for name in modalities}
    labels = {"tone": tone} if "audio" in modalities else {}
    if set(modalities) & {"image", "text", "video"}:
        labels["shape"] = shape
    return Example(inputs, labels)


@pytest.fixture
def toy() -> Callable[..., Batch]:
    """``toy(modalities, size, seed)``: a batch of the toy task."""

    def make(modalities: tuple[str, ...], size: int = 32, seed: int = 0) -> Batch:
        rng = np.random.default_rng(seed)
        examples = [toy_example(rng, modalities) for _ in range(size)]
        return collate(examples, modalities, ("shape", "tone"))

    return make


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)

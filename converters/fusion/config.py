"""The architecture of a fusion model as plain data: the other half of every checkpoint.

Each choice (``kind``) is a tagged union, so that a ``config.json`` names its architecture and a
misspelt field is an error instead of a default.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from edge_sdk.frontends.config import FrontendsConfig

Count = Annotated[int, Meta(ge=1)]
Odd = Annotated[int, Meta(ge=1, le=31)]
Share = Annotated[float, Meta(ge=0, lt=1)]
Counts = Annotated[tuple[Count, ...], Meta(min_length=1)]


class _Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Msgspec hands ``forbid_unknown_fields`` down, but not ``kw_only``: each class repeats it."""


class CausalTrunk(_Config, frozen=True, kw_only=True):
    """Causal convolutions over the bands; together they make one step of four frames.

    ``channels`` gives one width a layer: a full convolution first, depthwise-separable ones
    after it. The first two layers stride by two each, the others keep the rate.
    """

    channels: Annotated[tuple[Count, ...], Meta(min_length=2)] = (128, 160, 160, 160)
    kernel: Odd = 5


class GruAudio(_Config, frozen=True, kw_only=True, tag_field="kind", tag="gru"):
    """Causal convolutions, then a GRU over the steps."""

    trunk: CausalTrunk = CausalTrunk()
    hidden: Count = 96
    embedding: Count = 128
    dropout: Share = 0.1


class TcnAudio(_Config, frozen=True, kw_only=True, tag_field="kind", tag="tcn"):
    """Causal convolutions, then residual causal convolutions whose dilation grows."""

    trunk: CausalTrunk = CausalTrunk()
    dilations: Counts = (1, 2, 4, 8)
    kernel: Odd = 3
    embedding: Count = 128
    dropout: Share = 0.1


class Stage(_Config, frozen=True, kw_only=True):
    """``depth`` inverted-residual blocks of one width; the first of them strides."""

    channels: Count
    depth: Count = 1
    stride: Literal[1, 2] = 2
    expand: Count = 4


class ImageCnn(_Config, frozen=True, kw_only=True, tag_field="kind", tag="inverted-residual"):
    """An inverted-residual CNN: stem (stride 2), stages, 1x1 ``top``, mean over the picture."""

    stem: Count = 24
    stages: Annotated[tuple[Stage, ...], Meta(min_length=1)] = (
        Stage(channels=24, depth=1, expand=2),
        Stage(channels=40, depth=2),
        Stage(channels=80, depth=3),
    )
    top: Count = 256
    embedding: Count = 128
    dropout: Share = 0.2


class GruText(_Config, frozen=True, kw_only=True, tag_field="kind", tag="gru"):
    """Token embedding, then a GRU."""

    width: Count = 48
    hidden: Count = 64
    embedding: Count = 64
    dropout: Share = 0.1


class TransformerText(_Config, frozen=True, kw_only=True, tag_field="kind", tag="transformer"):
    """Token and position embedding, then pre-norm self-attention layers."""

    width: Count = 64
    layers: Count = 2
    heads: Count = 4
    feed_forward: Count = 128
    embedding: Count = 64
    dropout: Share = 0.1

    def __post_init__(self) -> None:
        if self.width % self.heads:
            raise ValueError(f"the width {self.width} must be a multiple of {self.heads} heads")


class MeanVideo(_Config, frozen=True, kw_only=True, tag_field="kind", tag="mean"):
    """The frame CNN's embeddings, averaged over time."""

    frame: ImageCnn = ImageCnn()


class GruVideo(_Config, frozen=True, kw_only=True, tag_field="kind", tag="gru"):
    """The frame CNN's embeddings, read in order by a GRU."""

    frame: ImageCnn = ImageCnn()
    hidden: Count = 64
    embedding: Count = 128


class ConcatFusion(_Config, frozen=True, kw_only=True, tag_field="kind", tag="concat"):
    """Embeddings and mask side by side, then one hidden layer."""

    width: Count = 192
    dropout: Share = 0.2


class WeightedFusion(_Config, frozen=True, kw_only=True, tag_field="kind", tag="weighted"):
    """A weighted mean of the projected embeddings; the weights depend on their contents."""

    width: Count = 128
    dropout: Share = 0.2


class AttentionFusion(_Config, frozen=True, kw_only=True, tag_field="kind", tag="attention"):
    """One learned query a head attends over the modalities."""

    width: Count = 128
    attention_heads: Count = 4
    dropout: Share = 0.2

    def __post_init__(self) -> None:
        if self.width % self.attention_heads:
            raise ValueError(
                f"the width {self.width} must be a multiple of {self.attention_heads} heads"
            )


AudioConfig = GruAudio | TcnAudio
TextEncoderConfig = GruText | TransformerText
VideoEncoderConfig = MeanVideo | GruVideo
FusionKind = ConcatFusion | WeightedFusion | AttentionFusion


class Head(_Config, frozen=True, kw_only=True):
    """One classification head; ``weight`` is its share of the training loss."""

    name: Annotated[str, Meta(pattern="^[A-Za-z][A-Za-z0-9_-]*$")]
    labels: Annotated[tuple[str, ...], Meta(min_length=2)]
    weight: Annotated[float, Meta(gt=0)] = 1.0

    def __post_init__(self) -> None:
        if len(set(self.labels)) != len(self.labels):
            raise ValueError(f"the head {self.name!r} repeats a label")


class FusionConfig(_Config, frozen=True, kw_only=True):
    """Encoders, fusion and heads. An encoder exists for each modality with a front-end.

    ``modality_dropout`` is the chance, in training, that a present modality is hidden.
    """

    heads: Annotated[tuple[Head, ...], Meta(min_length=1)]
    audio: AudioConfig | None = None
    image: ImageCnn | None = None
    text: TextEncoderConfig | None = None
    video: VideoEncoderConfig | None = None
    fusion: FusionKind = ConcatFusion()
    modality_dropout: Share = 0.15

    def __post_init__(self) -> None:
        names = [head.name for head in self.heads]
        if len(set(names)) != len(names):
            raise ValueError("two heads have the same name")


class ModelConfig(_Config, frozen=True, kw_only=True):
    """What ``config.json`` of a checkpoint holds: the front-ends and the architecture.

    ``pruned`` gives the shapes of those weights that pruning has made smaller than ``model``
    says; it is left out where there are none.
    """

    format: Literal["edge-sdk-fusion"] = "edge-sdk-fusion"
    version: Literal[1] = 1
    name: Annotated[str, Meta(pattern="^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    frontends: FrontendsConfig
    model: FusionConfig
    pruned: dict[str, tuple[Count, ...]] | msgspec.UnsetType = msgspec.UNSET

    def __post_init__(self) -> None:
        present = self.frontends.modalities
        if not present:
            raise ValueError("a model needs at least one modality with a front-end")
        for name in ("audio", "image", "text", "video"):
            if (getattr(self.model, name) is not None) != (name in present):
                raise ValueError(
                    f"the modality {name!r} needs both a front-end and an encoder, or neither"
                )

    @property
    def modalities(self) -> tuple[str, ...]:
        """The modalities of the model, in the order of the head's inputs and the mask."""
        return self.frontends.modalities

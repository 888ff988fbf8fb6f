"""The reference fusion model: one encoder a modality and one head, cut along its own joints."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from .audio import build_audio
from .batch import SEQUENCES, Batch
from .config import FusionConfig, ModelConfig
from .heads import FusionHead
from .image import ImageEncoder
from .text import build_text
from .video import VideoEncoder
from .widths import resize

HEAD = "head"


class FusionModel(nn.Module):
    """Encoders and a fusion head, as ``config`` describes them.

    State dict keys begin with ``encoders.<modality>.`` or ``head.``. The initial weights depend
    on ``seed`` alone; the global random state is left as it was.
    """

    def __init__(self, config: ModelConfig, seed: int = 0) -> None:
        super().__init__()
        self.config = config
        self.modalities = config.modalities
        self.head_names = tuple(head.name for head in config.model.heads)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.encoders = nn.ModuleDict(_encoders(config))
            self.head = FusionHead(config.model, list(self.embedding_sizes.values()))
        if config.pruned:
            resize(self, config.pruned)

    @classmethod
    def from_config(cls, config: ModelConfig, seed: int = 0) -> FusionModel:
        """A freshly initialised model; the same seed gives the same weights."""
        return cls(config, seed)

    @property
    def embedding_sizes(self) -> dict[str, int]:
        """The width of each modality's embedding."""
        return {name: embedding_size(self.encoders[name]) for name in self.modalities}

    def parts(self) -> dict[str, nn.Module]:
        """The model's graphs: one encoder a modality, in order, then ``head``.

        Each encoder takes one tensor (audio float32 ``[N, T, bands]``, image float32
        ``[N, 3, H, W]``, text int64 ``[N, L]``, video float32 ``[N, T, 3, H, W]``) and gives
        float32 ``[N, embedding]``. ``head`` takes the embeddings in order and the mask float32
        ``[N, M]``, and gives a tuple of logits in the order of the heads.
        """
        parts: dict[str, nn.Module] = {name: self.encoders[name] for name in self.modalities}
        parts[HEAD] = self.head
        return parts

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """Logits float32 ``[N, labels]`` a head.

        A missing modality is a zero embedding with mask 0, exactly as on the device. In training
        mode present modalities are hidden at random, never all of a row's.
        """
        mask = batch.mask
        if self.training:
            mask = hide_modalities(mask, self.config.model.modality_dropout)
        return self.classify(self.embed(batch), mask)

    def embed(self, batch: Batch) -> list[Tensor]:
        """The embedding float32 ``[N, E]`` of each modality, in order; zeros where missing."""
        return [
            self._embed(name, batch, batch.mask[:, i]) for i, name in enumerate(self.modalities)
        ]

    def classify(self, embeddings: Sequence[Tensor], mask: Tensor) -> dict[str, Tensor]:
        """Logits float32 ``[N, labels]`` a head, of what ``mask`` (float32 ``[N, M]``) shows."""
        logits = self.head(*embeddings, mask)
        return dict(zip(self.head_names, logits, strict=True))

    def _embed(self, name: str, batch: Batch, present: Tensor) -> Tensor:
        """Encode the rows that have the modality; zeros elsewhere, whatever their input holds."""
        encoder = self.encoders[name]
        rows = present.nonzero().squeeze(1)
        out = torch.zeros(len(batch), embedding_size(encoder))
        if len(rows) == 0:
            return out
        inputs = batch.inputs[name][rows]
        if name in SEQUENCES:
            lengths = batch.lengths[name][rows]
            longest = int(lengths.max())
            embedded = encoder(inputs[:, :longest], lengths)
        else:
            embedded = encoder(inputs)
        return out.index_copy(0, rows, embedded)


def embedding_size(encoder: nn.Module) -> int:
    """The width of an encoder's embedding; pruning may have changed it."""
    layers = [m for name, m in encoder.named_modules() if name.split(".")[-1] == "embed"]
    # a video encoder without a GRU ends in its frame CNN; any other ends in its own layer
    last = layers[-1]
    assert isinstance(last, nn.Linear)
    return last.out_features


def hide_modalities(mask: Tensor, chance: float) -> Tensor:
    """Hide each present modality with ``chance``; a row that would lose all keeps all.

    ``mask`` float32 ``[N, M]`` -> float32 ``[N, M]``. (ModDrop, Neverova et al., 2016.)
    """
    if chance == 0:
        return mask
    kept = mask * (torch.rand_like(mask) >= chance)
    lost = kept.sum(dim=1, keepdim=True) == 0
    return torch.where(lost, mask, kept)


def _encoders(config: ModelConfig) -> dict[str, nn.Module]:
    model: FusionConfig = config.model
    frontends = config.frontends
    encoders: dict[str, nn.Module] = {}
    if model.audio is not None and frontends.audio is not None:
        encoders["audio"] = build_audio(model.audio, frontends.audio.bands)
    if model.image is not None:
        encoders["image"] = ImageEncoder(model.image)
    if model.text is not None and frontends.text is not None:
        text = frontends.text
        encoders["text"] = build_text(model.text, len(text.vocabulary), text.max_tokens)
    if model.video is not None:
        encoders["video"] = VideoEncoder(model.video)
    return encoders

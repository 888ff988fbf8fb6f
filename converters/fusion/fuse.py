"""Fusion: the embeddings that are present become one vector, or one a head.

Every kind multiplies each embedding by its mask first: what a missing modality's input holds can
never matter, in training or on the device.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from .config import AttentionFusion, ConcatFusion, FusionKind, WeightedFusion

# added to the score of a missing modality; finite, so that "nothing present" is not NaN
_HIDDEN = -1e4


class ConcatFuse(nn.Module):
    """Embeddings and mask side by side through one hidden layer -> float32 ``[N, 1, width]``."""

    def __init__(self, config: ConcatFusion, sizes: Sequence[int]) -> None:
        super().__init__()
        self.hidden = nn.Linear(sum(sizes) + len(sizes), config.width)
        self.dropout = nn.Dropout(config.dropout)
        self.width, self.vectors = config.width, 1

    def forward(self, embeddings: Sequence[Tensor], mask: Tensor) -> Tensor:
        """Embeddings float32 ``[N, E_m]`` each, mask float32 ``[N, M]``."""
        present = [e * mask[:, i : i + 1] for i, e in enumerate(embeddings)]
        joint = torch.cat((*present, mask), dim=1)
        out: Tensor = self.dropout(functional.relu(self.hidden(joint)))
        return out.unsqueeze(1)


class _Tokens(nn.Module):
    """Project each embedding to one width: -> float32 ``[N, M, width]``, zero where missing."""

    def __init__(self, sizes: Sequence[int], width: int) -> None:
        super().__init__()
        self.project = nn.ModuleList(nn.Linear(size, width) for size in sizes)

    def forward(self, embeddings: Sequence[Tensor], mask: Tensor) -> Tensor:
        tokens = [
            functional.relu(project(e * mask[:, i : i + 1]))
            for i, (project, e) in enumerate(zip(self.project, embeddings, strict=True))
        ]
        return torch.stack(tokens, dim=1) * mask.unsqueeze(2)


class WeightedFuse(nn.Module):
    """A softmax-weighted mean of the present modalities -> float32 ``[N, 1, width]``."""

    def __init__(self, config: WeightedFusion, sizes: Sequence[int]) -> None:
        super().__init__()
        self.tokens = _Tokens(sizes, config.width)
        self.score = nn.Linear(config.width, 1)
        # a modality's standing worth, apart from what it says in this sample
        self.prior = nn.Parameter(torch.zeros(len(sizes)))
        self.hidden = nn.Linear(config.width, config.width)
        self.dropout = nn.Dropout(config.dropout)
        self.width, self.vectors = config.width, 1

    def forward(self, embeddings: Sequence[Tensor], mask: Tensor) -> Tensor:
        """Embeddings float32 ``[N, E_m]`` each, mask float32 ``[N, M]``."""
        tokens = self.tokens(embeddings, mask)
        scores = self.score(tokens).squeeze(2) + self.prior + (1.0 - mask) * _HIDDEN
        weights = torch.softmax(scores, dim=1) * mask
        joint = (tokens * weights.unsqueeze(2)).sum(dim=1)
        out: Tensor = self.dropout(functional.relu(self.hidden(joint)))
        return out.unsqueeze(1)


class AttentionFuse(nn.Module):
    """Each classification head asks the present modalities -> float32 ``[N, heads, width]``.

    Dot-product attention with one learned query a head (in the manner of Perceiver's latents,
    Jaegle et al., 2021); the number of tokens is the number of modalities, so it costs little.
    """

    def __init__(self, config: AttentionFusion, sizes: Sequence[int], heads: int) -> None:
        super().__init__()
        self.head_width = config.width // config.attention_heads
        self.tokens = _Tokens(sizes, config.width)
        self.places = nn.Parameter(torch.randn(len(sizes), config.width) * 0.1)
        self.queries = nn.Parameter(torch.randn(heads, config.width) * 0.1)
        self.key = nn.Linear(config.width, config.width)
        self.value = nn.Linear(config.width, config.width)
        self.dropout = nn.Dropout(config.dropout)
        self.width, self.vectors = config.width, heads

    def forward(self, embeddings: Sequence[Tensor], mask: Tensor) -> Tensor:
        """Embeddings float32 ``[N, E_m]`` each, mask float32 ``[N, M]``."""
        batch, count = mask.shape
        tokens = self.tokens(embeddings, mask) + self.places * mask.unsqueeze(2)
        # the number of attention heads is left open: pruning removes whole ones
        key = self.key(tokens).reshape(batch, count, -1, self.head_width).transpose(1, 2)
        value = self.value(tokens).reshape(batch, count, -1, self.head_width).transpose(1, 2)
        heads = self.queries.shape[0]
        query = self.queries.reshape(heads, -1, self.head_width).transpose(0, 1)
        scores = query @ key.transpose(2, 3) * self.head_width**-0.5
        scores = scores + ((1.0 - mask) * _HIDDEN)[:, None, None, :]
        weights = torch.softmax(scores, dim=3) * mask[:, None, None, :]
        joint = (weights @ value).transpose(1, 2).flatten(2)
        out: Tensor = self.dropout(functional.relu(joint))
        return out


Fuse = ConcatFuse | WeightedFuse | AttentionFuse


def build_fuse(config: FusionKind, sizes: Sequence[int], heads: int) -> Fuse:
    """The fusion that ``config`` describes, for embeddings of these ``sizes``."""
    if isinstance(config, ConcatFusion):
        return ConcatFuse(config, sizes)
    if isinstance(config, WeightedFusion):
        return WeightedFuse(config, sizes)
    return AttentionFuse(config, sizes, heads)

"""Text encoders: token ids to one embedding."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from .config import GruText, TextEncoderConfig, TransformerText
from .pooling import last_and_mean, valid_steps


class GruTextEncoder(nn.Module):
    """int64 ``[N, L]``, any ``L >= 1`` -> float32 ``[N, embedding]``."""

    def __init__(self, config: GruText, tokens: int) -> None:
        super().__init__()
        self.tokens = nn.Embedding(tokens, config.width)
        self.gru = nn.GRU(config.width, config.hidden, batch_first=True)
        self.dropout = nn.Dropout(config.dropout)
        self.embed = nn.Linear(2 * config.hidden, config.embedding)
        self.embedding = config.embedding

    def forward(self, ids: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Encode; ``lengths`` (int64 ``[N]``, in tokens) only when the batch is padded."""
        states, _ = self.gru(self.dropout(self.tokens(ids)))
        out: Tensor = self.embed(self.dropout(last_and_mean(states, lengths)))
        return out


class SelfAttention(nn.Module):
    """One pre-norm transformer layer (Vaswani et al., 2017; norm first as in Xiong et al., 2020).

    Written with reshapes and ``scaled_dot_product_attention``: ``nn.MultiheadAttention`` bakes
    the token count of the example into an exported graph.
    """

    def __init__(self, config: TransformerText) -> None:
        super().__init__()
        self.head_width = config.width // config.heads
        self.norm1 = nn.LayerNorm(config.width)
        self.project = nn.Linear(config.width, 3 * config.width)
        self.merge = nn.Linear(config.width, config.width)
        self.norm2 = nn.LayerNorm(config.width)
        self.wide = nn.Linear(config.width, config.feed_forward)
        self.narrow = nn.Linear(config.feed_forward, config.width)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Tensor, valid: Tensor | None) -> Tensor:
        """float32 ``[N, L, width]`` -> the same; ``valid`` bool ``[N, L]`` hides the padding."""
        batch, length, _ = x.shape
        # the number of heads is left open: pruning removes whole heads
        joint = self.project(self.norm1(x)).reshape(batch, length, 3, -1, self.head_width)
        query, key, value = joint.permute(2, 0, 3, 1, 4).unbind(0)
        keep = None if valid is None else valid[:, None, None, :]
        y = functional.scaled_dot_product_attention(query, key, value, attn_mask=keep)
        x = x + self.dropout(self.merge(y.transpose(1, 2).flatten(2)))
        wide = functional.relu(self.wide(self.norm2(x)))
        out: Tensor = x + self.dropout(self.narrow(wide))
        return out


class TransformerTextEncoder(nn.Module):
    """int64 ``[N, L]``, ``1 <= L <= max_tokens`` -> float32 ``[N, embedding]``."""

    def __init__(self, config: TransformerText, tokens: int, max_tokens: int) -> None:
        super().__init__()
        self.tokens = nn.Embedding(tokens, config.width)
        self.places = nn.Parameter(torch.randn(max_tokens, config.width) * 0.02)
        self.layers = nn.ModuleList(SelfAttention(config) for _ in range(config.layers))
        self.norm = nn.LayerNorm(config.width)
        self.dropout = nn.Dropout(config.dropout)
        self.embed = nn.Linear(2 * config.width, config.embedding)
        self.embedding = config.embedding

    def forward(self, ids: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Encode; ``lengths`` (int64 ``[N]``, in tokens) only when the batch is padded."""
        x = self.dropout(self.tokens(ids) + self.places[: ids.shape[1]])
        valid = None if lengths is None else valid_steps(lengths, ids.shape[1])
        for layer in self.layers:
            x = layer(x, valid)
        out: Tensor = self.embed(self.dropout(last_and_mean(self.norm(x), lengths)))
        return out


TextEncoder = GruTextEncoder | TransformerTextEncoder


def build_text(config: TextEncoderConfig, tokens: int, max_tokens: int) -> TextEncoder:
    """The text encoder that ``config`` describes, for a vocabulary of so many tokens."""
    if isinstance(config, GruText):
        return GruTextEncoder(config, tokens)
    return TransformerTextEncoder(config, tokens, max_tokens)

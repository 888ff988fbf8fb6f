"""Audio encoders: log-mel frames to one embedding, with nothing looking into the future."""

from __future__ import annotations

from torch import Tensor, nn

from .causal import SeparableBlock, Trunk, steps_of
from .config import AudioConfig, GruAudio, TcnAudio
from .pooling import last_and_mean


class GruAudioEncoder(nn.Module):
    """Causal convolutions and a GRU.

    float32 ``[N, T, bands]``, any ``T >= 1`` -> float32 ``[N, embedding]``. Everything the
    embedding needs of the past is bounded: the convolutions' context, the GRU's state, and the
    sum and count behind the mean, so a streaming graph can carry it explicitly.
    """

    def __init__(self, config: GruAudio, bands: int) -> None:
        super().__init__()
        self.trunk = Trunk(config.trunk, bands)
        self.gru = nn.GRU(self.trunk.channels, config.hidden, batch_first=True)
        self.dropout = nn.Dropout(config.dropout)
        self.embed = nn.Linear(2 * config.hidden, config.embedding)
        self.embedding = config.embedding

    def forward(self, features: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Encode; ``lengths`` (int64 ``[N]``, in frames) only when the batch is padded."""
        states, _ = self.gru(self.trunk(features).transpose(1, 2))
        pooled = last_and_mean(states, None if lengths is None else steps_of(lengths))
        out: Tensor = self.embed(self.dropout(pooled))
        return out


class TcnAudioEncoder(nn.Module):
    """Causal convolutions and a dilated residual stack (Bai et al., 2018), without recurrence.

    float32 ``[N, T, bands]``, any ``T >= 1`` -> float32 ``[N, embedding]``.
    """

    def __init__(self, config: TcnAudio, bands: int) -> None:
        super().__init__()
        self.trunk = Trunk(config.trunk, bands)
        width = self.trunk.channels
        self.stack = nn.Sequential(
            *(SeparableBlock(width, width, config.kernel, dilation=d) for d in config.dilations)
        )
        self.dropout = nn.Dropout(config.dropout)
        self.embed = nn.Linear(2 * width, config.embedding)
        self.embedding = config.embedding

    def forward(self, features: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Encode; ``lengths`` (int64 ``[N]``, in frames) only when the batch is padded."""
        states = self.stack(self.trunk(features)).transpose(1, 2)
        pooled = last_and_mean(states, None if lengths is None else steps_of(lengths))
        out: Tensor = self.embed(self.dropout(pooled))
        return out


AudioEncoder = GruAudioEncoder | TcnAudioEncoder


def build_audio(config: AudioConfig, bands: int) -> AudioEncoder:
    """The audio encoder that ``config`` describes, for so many mel bands."""
    if isinstance(config, GruAudio):
        return GruAudioEncoder(config, bands)
    return TcnAudioEncoder(config, bands)

"""Video encoders: the frame CNN applied to every frame, then pooling over time."""

from __future__ import annotations

from torch import Tensor, nn

from .config import GruVideo, VideoEncoderConfig
from .image import ImageEncoder
from .pooling import last_and_mean, valid_steps


class VideoEncoder(nn.Module):
    """float32 ``[N, T, 3, H, W]``, any ``T >= 1`` -> float32 ``[N, embedding]``."""

    def __init__(self, config: VideoEncoderConfig) -> None:
        super().__init__()
        self.frame = ImageEncoder(config.frame)
        self.gru: nn.GRU | None = None
        self.embedding = self.frame.embedding
        if isinstance(config, GruVideo):
            self.gru = nn.GRU(self.frame.embedding, config.hidden, batch_first=True)
            self.embed = nn.Linear(2 * config.hidden, config.embedding)
            self.embedding = config.embedding

    def forward(self, frames: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Encode; ``lengths`` (int64 ``[N]``, in frames) only when the batch is padded."""
        clips, count = frames.shape[:2]
        steps: Tensor = self.frame(frames.flatten(0, 1)).reshape(clips, count, -1)
        if self.gru is not None:
            states, _ = self.gru(steps)
            out: Tensor = self.embed(last_and_mean(states, lengths))
            return out
        if lengths is None:
            return steps.mean(dim=1)
        valid = valid_steps(lengths, count).unsqueeze(2)
        return (steps * valid).sum(dim=1) / lengths.unsqueeze(1)

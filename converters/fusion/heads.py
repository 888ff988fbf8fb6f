"""The head part: fusion and the linear classifiers behind it, one graph in a bundle."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from .config import FusionConfig
from .fuse import build_fuse


class FusionHead(nn.Module):
    """Embeddings and mask to logits.

    Called with plain tensors in the order of the modalities, the mask last:
    ``head(audio_embedding, image_embedding, ..., mask)``.
    """

    def __init__(self, config: FusionConfig, sizes: Sequence[int]) -> None:
        super().__init__()
        self.fuse = build_fuse(config.fusion, sizes, len(config.heads))
        self.names = tuple(head.name for head in config.heads)
        self.classify = nn.ModuleList(
            nn.Linear(self.fuse.width, len(head.labels)) for head in config.heads
        )

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Embeddings float32 ``[N, E_m]``, then the mask float32 ``[N, M]`` (1 = present).

        Returns:
            float32 ``[N, labels]`` logits, one tensor a head, in the order of the config.
        """
        *embeddings, mask = inputs
        fused = self.fuse(embeddings, mask)
        # concat and weighted make one vector for all heads, attention makes one for each
        last = self.fuse.vectors - 1
        return tuple(
            classify(fused[:, min(index, last)]) for index, classify in enumerate(self.classify)
        )

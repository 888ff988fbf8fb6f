"""The image encoder: a small inverted-residual CNN that keeps its accuracy in int8."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from .config import ImageCnn


class InvertedResidual(nn.Module):
    """Widen, filter depthwise, narrow without activation (MobileNetV2, Sandler et al., 2018).

    float32 ``[N, inputs, H, W]`` -> ``[N, outputs, ceil(H/stride), ceil(W/stride)]``.
    """

    def __init__(self, inputs: int, outputs: int, *, stride: int, expand: int) -> None:
        super().__init__()
        wide = inputs * expand
        self.widen = nn.Conv2d(inputs, wide, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(wide)
        self.filter = nn.Conv2d(wide, wide, 3, stride=stride, padding=1, groups=wide, bias=False)
        self.norm2 = nn.BatchNorm2d(wide)
        self.narrow = nn.Conv2d(wide, outputs, 1, bias=False)
        self.norm3 = nn.BatchNorm2d(outputs)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        """Apply the block."""
        y = functional.relu6(self.norm1(self.widen(x)))
        y = functional.relu6(self.norm2(self.filter(y)))
        y = self.norm3(self.narrow(y))
        out: Tensor = x + y if self.residual else y
        return out


class ImageEncoder(nn.Module):
    """float32 ``[N, 3, H, W]`` (normalised, any size from 16x16) -> float32 ``[N, embedding]``."""

    def __init__(self, config: ImageCnn) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, config.stem, 3, stride=2, padding=1, bias=False)
        self.stem_norm = nn.BatchNorm2d(config.stem)
        blocks: list[nn.Module] = []
        width = config.stem
        for stage in config.stages:
            for index in range(stage.depth):
                stride = stage.stride if index == 0 else 1
                blocks.append(
                    InvertedResidual(width, stage.channels, stride=stride, expand=stage.expand)
                )
                width = stage.channels
        self.blocks = nn.Sequential(*blocks)
        self.top = nn.Conv2d(width, config.top, 1, bias=False)
        self.top_norm = nn.BatchNorm2d(config.top)
        self.dropout = nn.Dropout(config.dropout)
        self.embed = nn.Linear(config.top, config.embedding)
        self.embedding = config.embedding

    def forward(self, pixels: Tensor) -> Tensor:
        """Encode a batch of pictures."""
        x = functional.relu6(self.stem_norm(self.stem(pixels)))
        x = self.blocks(x)
        x = functional.relu6(self.top_norm(self.top(x)))
        pooled = functional.adaptive_avg_pool2d(x, 1).flatten(1)
        out: Tensor = self.embed(self.dropout(pooled))
        return out

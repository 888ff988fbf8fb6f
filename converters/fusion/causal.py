"""Convolutions over time that see the past only, so that audio can be encoded as it arrives."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from .config import CausalTrunk


class CausalConv(nn.Module):
    """A 1-d convolution with all its padding on the left.

    float32 ``[N, C, T]`` -> ``[N, out, ceil(T / stride)]``; step ``j`` sees the inputs up to
    ``j * stride``. ``context`` is the number of past inputs a streaming caller has to keep.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        *,
        stride: int = 1,
        dilation: int = 1,
        groups: int = 1,
    ) -> None:
        super().__init__()
        self.context = (kernel - 1) * dilation
        self.stride = stride
        self.conv = nn.Conv1d(
            inputs,
            outputs,
            kernel,
            stride=stride,
            dilation=dilation,
            groups=groups,
            bias=False,
        )

    def forward(self, x: Tensor) -> Tensor:
        """Convolve a whole sequence, as if silence (zeros) came before it."""
        out: Tensor = self.conv(functional.pad(x, (self.context, 0)))
        return out


class SeparableBlock(nn.Module):
    """Depthwise causal convolution, then a 1x1 one; residual where the shape allows.

    The order depthwise - norm - ReLU6 - pointwise - norm and the clipped activation are those
    of MobileNet (Howard et al., 2017; Sandler et al., 2018): short value ranges suit int8.
    """

    def __init__(
        self, inputs: int, outputs: int, kernel: int, *, stride: int = 1, dilation: int = 1
    ) -> None:
        super().__init__()
        self.depthwise = CausalConv(
            inputs, inputs, kernel, stride=stride, dilation=dilation, groups=inputs
        )
        self.norm1 = nn.BatchNorm1d(inputs)
        self.pointwise = nn.Conv1d(inputs, outputs, 1, bias=False)
        self.norm2 = nn.BatchNorm1d(outputs)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        """float32 ``[N, inputs, T]`` -> ``[N, outputs, ceil(T / stride)]``."""
        y = functional.relu6(self.norm1(self.depthwise(x)))
        y = self.norm2(self.pointwise(y))
        return functional.relu6(x + y if self.residual else y)


class Trunk(nn.Module):
    """Log-mel frames to steps: float32 ``[N, T, bands]`` -> float32 ``[N, C, ceil(T / 4)]``."""

    def __init__(self, config: CausalTrunk, bands: int) -> None:
        super().__init__()
        first, *rest = config.channels
        self.first = CausalConv(bands, first, config.kernel, stride=2)
        self.norm = nn.BatchNorm1d(first)
        widths = (first, *rest)
        self.blocks = nn.ModuleList(
            SeparableBlock(a, b, config.kernel, stride=2 if index == 0 else 1)
            for index, (a, b) in enumerate(zip(widths, rest, strict=False))
        )
        self.channels = widths[-1]

    def forward(self, features: Tensor) -> Tensor:
        """Encode whole sequences; step ``j`` sees the frames up to ``4 j``."""
        x = functional.relu6(self.norm(self.first(features.transpose(1, 2))))
        for block in self.blocks:
            x = block(x)
        return x


def steps_of(lengths: Tensor) -> Tensor:
    """How many steps the trunk makes of so many frames: int64 ``[N]`` -> int64 ``[N]``."""
    return (lengths + 3) // 4

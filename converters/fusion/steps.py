"""The audio encoders a step at a time: their past as arguments and results.

For engines whose graphs have a fixed length. (An ONNX graph gets its states by rewriting, see
``export/streaming.py``; the tests hold both against the encoder itself.)
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .audio import AudioEncoder, GruAudioEncoder
from .causal import CausalConv, SeparableBlock, Trunk


class AudioStep(nn.Module):
    """One step of an audio encoder, with the encoder's own layers.

    float32 ``[1, frames, bands]`` and the states -> the embedding float32 ``[1, embedding]`` of
    all so far, and the new states. ``frames`` is a whole multiple of 4. The states are the
    convolutions' contexts in the order of the layers, the GRU's state, and the mean and count of
    the steps; all zeros at first.
    """

    def __init__(self, encoder: AudioEncoder, bands: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.bands = bands

    def states(self) -> tuple[tuple[int, ...], ...]:
        """The shapes of the states."""
        with torch.no_grad():
            _, *new = self(torch.zeros(1, 4, self.bands))
        return tuple(tuple(state.shape) for state in new)

    def forward(self, features: Tensor, *states: Tensor) -> tuple[Tensor, ...]:
        """One step; without states, the first one."""
        past = _Past(states)
        steps = _trunk(self.encoder.trunk, features, past)
        if isinstance(self.encoder, GruAudioEncoder):
            steps = steps.transpose(1, 2)
            gru = self.encoder.gru
            steps, _ = gru(steps, past.take(steps.new_zeros(1, 1, gru.hidden_size)))
            past.keep(steps[:, -1:].transpose(0, 1))
        else:
            for block in self.encoder.stack:
                assert isinstance(block, SeparableBlock)
                steps = _block(block, steps, past)
            steps = steps.transpose(1, 2)
        new = float(steps.shape[1])
        mean = past.take(steps.new_zeros(1, steps.shape[2]))
        count = past.take(steps.new_zeros(1)) + new
        mean = mean + (steps.sum(dim=1) - mean * new) / count
        past.keep(mean)
        past.keep(count)
        embedding: Tensor = self.encoder.embed(torch.cat((steps[:, -1], mean), dim=1))
        return (embedding, *past.new)


class _Past:
    """The states as they are used up, and the new ones in the same order."""

    def __init__(self, states: tuple[Tensor, ...]) -> None:
        self._old = list(states)
        self.new: list[Tensor] = []

    def take(self, first: Tensor) -> Tensor:
        """The next state; ``first`` where the stream begins."""
        return self._old.pop(0) if self._old else first

    def keep(self, state: Tensor) -> None:
        self.new.append(state)


def _trunk(trunk: Trunk, features: Tensor, past: _Past) -> Tensor:
    x = _conv(trunk.first, features.transpose(1, 2), past)
    x = nn.functional.relu6(trunk.norm(x))
    for block in trunk.blocks:
        assert isinstance(block, SeparableBlock)
        x = _block(block, x, past)
    return x


def _block(block: SeparableBlock, x: Tensor, past: _Past) -> Tensor:
    y = nn.functional.relu6(block.norm1(_conv(block.depthwise, x, past)))
    y = block.norm2(block.pointwise(y))
    return nn.functional.relu6(x + y if block.residual else y)


def _conv(layer: CausalConv, x: Tensor, past: _Past) -> Tensor:
    if not layer.context:
        out: Tensor = layer.conv(x)
        return out
    x = torch.cat((past.take(x.new_zeros(1, x.shape[1], layer.context)), x), dim=2)
    past.keep(x[:, :, -layer.context :])
    made: Tensor = layer.conv(x)
    return made

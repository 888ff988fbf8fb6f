"""nn.GRU and nn.LSTM for an exporter: layers of its operators, weights in ONNX's layout."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from edge_sdk.errors import ExportError

from .gates import DIRECTIONS, gate_order, torch_layer

#: What runs a layer of each kind: the layer, input, weights and first states -> steps, last states.
Fused = Mapping[str, Callable[..., tuple[Tensor, ...]]]


class _Recurrent(nn.Module):
    """Stands in for an nn.GRU or nn.LSTM of any number of layers, with all it gives."""

    def __init__(self, layer: nn.GRU | nn.LSTM, where: str, fused: Fused) -> None:
        super().__init__()
        if layer.proj_size:
            raise ExportError(
                f"The LSTM {where} cannot be exported: it has a projection (proj_size), which "
                "ONNX does not know; put an nn.Linear behind it instead."
            )
        self.kind = "lstm" if isinstance(layer, nn.LSTM) else "gru"
        self.fused = fused[self.kind]
        # Code around the layer may ask for these.
        self.input_size, self.hidden_size = layer.input_size, layer.hidden_size
        self.num_layers, self.batch_first = layer.num_layers, layer.batch_first
        self.bidirectional, self.bias, self.dropout = layer.bidirectional, layer.bias, 0.0
        self.suffixes = DIRECTIONS[: 2 if layer.bidirectional else 1]
        order = gate_order(self.kind, layer.hidden_size)
        for i in range(layer.num_layers):
            self.register_buffer(f"w{i}", self._stack(layer, i, order, "weight_ih"))
            self.register_buffer(f"r{i}", self._stack(layer, i, order, "weight_hh"))
            self.register_buffer(f"b{i}", self._stack(layer, i, order, "bias_ih", "bias_hh"))
        # In a list they are no part of the module.
        self.plain = [torch_layer(self.kind, *self._weights(i)) for i in range(self.num_layers)]

    def _stack(self, layer: nn.Module, i: int, order: Tensor, *names: str) -> Tensor:
        """The weights of one layer, directions stacked; zeros for biases it does not have."""
        zeros = torch.zeros(len(order))
        return torch.stack(
            [
                torch.cat([getattr(layer, f"{n}_l{i}{s}", zeros).detach()[order] for n in names])
                for s in self.suffixes
            ]
        )

    def _weights(self, i: int) -> tuple[Tensor, Tensor, Tensor]:
        return getattr(self, f"w{i}"), getattr(self, f"r{i}"), getattr(self, f"b{i}")

    def flatten_parameters(self) -> None:
        """Nothing: the weights are flat."""

    def forward(self, x: Tensor, state: Any = None) -> tuple[Tensor, Any]:
        """As the layer it stands for: steps, and the last state (a pair for an LSTM)."""
        batched = x.dim() == 3
        states = () if state is None else state if self.kind == "lstm" else (state,)
        if not batched:
            x, states = x.unsqueeze(0), tuple(s.unsqueeze(1) for s in states)
        elif not self.batch_first:
            x = x.transpose(0, 1)
        count = len(self.suffixes)
        if not states:
            zeros = x.new_zeros(self.num_layers * count, x.shape[0], self.hidden_size)
            states = (zeros, zeros)[: 2 if self.kind == "lstm" else 1]
        lasts: list[tuple[Tensor, ...]] = []
        for i in range(self.num_layers):
            first = [s[i * count : (i + 1) * count] for s in states]
            x, *last = self.fused(self.plain[i], x, *self._weights(i), *first)
            lasts.append(tuple(last))
        ends = tuple(torch.cat(parts, 0) for parts in zip(*lasts, strict=True))
        if not batched:
            x, ends = x.squeeze(0), tuple(end.squeeze(1) for end in ends)
        elif not self.batch_first:
            x = x.transpose(0, 1)
        return x, ends if self.kind == "lstm" else ends[0]


def with_fused_recurrence(module: nn.Module, fused: Fused) -> nn.Module:
    """A copy of ``module`` whose GRUs and LSTMs are the operators ``fused`` of an exporter.

    Raises:
        ExportError: an LSTM has a projection.
    """
    module = copy.deepcopy(module)
    made: dict[int, _Recurrent] = {}
    for name, child in list(module.named_modules(remove_duplicate=False)):
        if isinstance(child, (nn.GRU, nn.LSTM)):
            parent, _, leaf = name.rpartition(".")
            made.setdefault(id(child), _Recurrent(child, name, fused))
            setattr(module.get_submodule(parent), leaf, made[id(child)])
    return module

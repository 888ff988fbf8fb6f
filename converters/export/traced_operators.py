"""GRU and LSTM layers as functions that a trace writes as one fused ONNX operator each.

torch's own tracing of these layers reads the batch's size when the graph runs; here it is known.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from .recurrent import Fused

#: What torch warns with when a trace makes a constant of what it is not.
Frozen: type[Warning] = getattr(torch.jit, "TracerWarning", Warning)


class _Gru(torch.autograd.Function):
    """``layer``, one of :func:`.gates.torch_layer`: its weights are given for the graph."""

    @staticmethod
    def forward(
        ctx: Any, layer: nn.GRU, x: Tensor, w: Tensor, r: Tensor, b: Tensor, h: Tensor
    ) -> tuple[Tensor, Tensor]:
        with _unwarned():
            steps, last = layer(x, h)
        return steps, last

    @staticmethod
    def symbolic(graph: Any, layer: Any, x: Any, w: Any, r: Any, b: Any, h: Any) -> Any:
        return _written(graph, "GRU", x, (w, r, b), (h,), linear_before_reset_i=1)


class _Lstm(torch.autograd.Function):
    """As :class:`_Gru`."""

    @staticmethod
    def forward(
        ctx: Any, layer: nn.LSTM, x: Tensor, w: Tensor, r: Tensor, b: Tensor, h: Tensor, c: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        with _unwarned():
            steps, (last, cell) = layer(x, (h, c))
        return steps, last, cell

    @staticmethod
    def symbolic(graph: Any, layer: Any, x: Any, w: Any, r: Any, b: Any, h: Any, c: Any) -> Any:
        return _written(graph, "LSTM", x, (w, r, b), (h, c))


#: What stands for a layer of each kind.
FUSED: Fused = {"gru": _Gru.apply, "lstm": _Lstm.apply}


@contextmanager
def _unwarned() -> Iterator[None]:
    """What torch does inside of the layer is not what the graph will do."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Frozen)
        yield


def _written(
    graph: Any, operator: str, x: Any, weights: Any, states: tuple[Any, ...], **more: int
) -> Any:
    """``[N, T, I]`` in, ``[N, T, D * H]`` and the last states out."""
    # With the exporter that asks for this graph, not before: it may leave torch one day.
    from torch.onnx.symbolic_opset9 import unused

    directions, _, size = weights[1].type().sizes()
    none = unused(graph)  # type: ignore[no-untyped-call]
    steps, *lasts = graph.op(
        operator, graph.op("Transpose", x, perm_i=[1, 0, 2]), *weights, none, *states,
        hidden_size_i=size, direction_s="bidirectional" if directions == 2 else "forward",
        outputs=1 + len(states), **more,
    )  # fmt: skip
    joined = graph.op("Transpose", steps, perm_i=[2, 0, 1, 3])
    # torch wants a -1 where there is a 0.
    shape = graph.op("Constant", value_t=torch.tensor([0, -1, directions * size]))
    return graph.op("Reshape", joined, shape), *lasts

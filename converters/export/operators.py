"""GRU and LSTM layers as custom operators, each translated to one fused ONNX operator.

The exporter of captured programs unrolls nn.GRU and nn.LSTM over time and so freezes the length; as
one opaque operator a layer stays fused and any length works.
"""

from __future__ import annotations

from typing import Any

import torch
from onnxscript import opset18 as op
from torch import Tensor

from .gates import torch_layer
from .recurrent import Fused


@torch.library.custom_op("edge_sdk::gru", mutates_args=())
def fused_gru(x: Tensor, w: Tensor, r: Tensor, b: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
    """One GRU layer in ONNX's weight layout (gates z, r, n).

    ``x`` float32 ``[N, T, I]``, ``w`` ``[D, 3H, I]``, ``r`` ``[D, 3H, H]``, ``b`` ``[D, 6H]``,
    first state ``h`` ``[D, N, H]`` -> float32 ``[N, T, D * H]`` and the last state. Runs torch's
    own GRU, so that the exported program has a reference.
    """
    steps, last = torch_layer("gru", w, r, b)(x, h)
    return steps.contiguous(), last.clone()


@fused_gru.register_fake
def _(x: Tensor, w: Tensor, r: Tensor, b: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
    return x.new_empty(x.shape[0], x.shape[1], r.shape[0] * r.shape[2]), torch.empty_like(h)


@torch.library.custom_op("edge_sdk::lstm", mutates_args=())
def fused_lstm(
    x: Tensor, w: Tensor, r: Tensor, b: Tensor, h: Tensor, c: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """One LSTM layer in ONNX's weight layout (gates i, o, f, c), as :func:`fused_gru`."""
    steps, (last, cell) = torch_layer("lstm", w, r, b)(x, (h, c))
    return steps.contiguous(), last.clone(), cell.clone()


@fused_lstm.register_fake
def _(
    x: Tensor, w: Tensor, r: Tensor, b: Tensor, h: Tensor, c: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    steps = x.new_empty(x.shape[0], x.shape[1], r.shape[0] * r.shape[2])
    return steps, torch.empty_like(h), torch.empty_like(c)


def _onnx_gru(x: Any, w: Any, r: Any, b: Any, h: Any) -> Any:
    steps, last = op.GRU(
        op.Transpose(x, perm=[1, 0, 2]), w, r, b, None, h,
        hidden_size=r.shape[2], linear_before_reset=1, direction=_direction(r),
    )  # fmt: skip
    return _joined(steps, r), last


def _onnx_lstm(x: Any, w: Any, r: Any, b: Any, h: Any, c: Any) -> Any:
    steps, last, cell = op.LSTM(
        op.Transpose(x, perm=[1, 0, 2]), w, r, b, None, h, c,
        hidden_size=r.shape[2], direction=_direction(r),
    )  # fmt: skip
    return _joined(steps, r), last, cell


#: What stands for a layer of each kind.
FUSED: Fused = {
    "gru": lambda layer, *tensors: fused_gru(*tensors),
    "lstm": lambda layer, *tensors: fused_lstm(*tensors),
}
#: What the exporter is to make of them.
TRANSLATIONS: dict[Any, Any] = {
    torch.ops.edge_sdk.gru.default: _onnx_gru,
    torch.ops.edge_sdk.lstm.default: _onnx_lstm,
}


def _joined(steps: Any, r: Any) -> Any:
    """ONNX's ``[T, D, N, H]`` -> ``[N, T, D * H]``."""
    joined = op.Transpose(steps, perm=[2, 0, 1, 3])
    return op.Reshape(joined, op.Constant(value_ints=[0, 0, r.shape[0] * r.shape[2]]))


def _direction(r: Any) -> str:
    return "bidirectional" if r.shape[0] == 2 else "forward"

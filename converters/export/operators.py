"""GRU and LSTM layers as custom operators, each translated to one fused ONNX operator.

The exporter unrolls nn.GRU and nn.LSTM over time and so freezes the length; as one opaque
operator a layer stays fused and any length works.
"""

from __future__ import annotations

from typing import Any

import torch
from onnxscript import opset18 as op
from torch import Tensor, nn

DIRECTIONS = ("", "_reverse")
# Where torch keeps the gates that ONNX wants, in ONNX's order: z, r, n and i, o, f, c.
GATES = {"gru": (1, 0, 2), "lstm": (0, 3, 1, 2)}


def gate_order(kind: str, size: int) -> Tensor:
    """Rows of torch's stacked gate weights in the order of ONNX."""
    rows = torch.arange(len(GATES[kind]) * size).reshape(-1, size)
    return rows[list(GATES[kind])].reshape(-1)


@torch.library.custom_op("edge_sdk::gru", mutates_args=())
def fused_gru(x: Tensor, w: Tensor, r: Tensor, b: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
    """One GRU layer in ONNX's weight layout (gates z, r, n).

    ``x`` float32 ``[N, T, I]``, ``w`` ``[D, 3H, I]``, ``r`` ``[D, 3H, H]``, ``b`` ``[D, 6H]``,
    first state ``h`` ``[D, N, H]`` -> float32 ``[N, T, D * H]`` and the last state. Runs torch's
    own GRU, so that the exported program has a reference.
    """
    steps, last = _torch("gru", x, w, r, b)(x, h)
    return steps.contiguous(), last.clone()


@fused_gru.register_fake
def _(x: Tensor, w: Tensor, r: Tensor, b: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
    return x.new_empty(x.shape[0], x.shape[1], r.shape[0] * r.shape[2]), torch.empty_like(h)


@torch.library.custom_op("edge_sdk::lstm", mutates_args=())
def fused_lstm(
    x: Tensor, w: Tensor, r: Tensor, b: Tensor, h: Tensor, c: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """One LSTM layer in ONNX's weight layout (gates i, o, f, c), as :func:`fused_gru`."""
    steps, (last, cell) = _torch("lstm", x, w, r, b)(x, (h, c))
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


def _torch(kind: str, x: Tensor, w: Tensor, r: Tensor, b: Tensor) -> Any:
    """torch's own layer with weights given in ONNX's layout."""
    directions, size = r.shape[0], r.shape[2]
    build = nn.GRU if kind == "gru" else nn.LSTM
    layer = build(x.shape[2], size, batch_first=True, bidirectional=directions == 2)
    order = gate_order(kind, size)
    gates = len(order)
    with torch.no_grad():
        for d, suffix in enumerate(DIRECTIONS[:directions]):
            for name, rows in (
                ("weight_ih_l0", w[d]),
                ("weight_hh_l0", r[d]),
                ("bias_ih_l0", b[d][:gates]),
                ("bias_hh_l0", b[d][gates:]),
            ):
                getattr(layer, name + suffix)[order] = rows
    return layer

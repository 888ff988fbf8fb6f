"""The gates of GRU and LSTM layers: torch's order and ONNX's."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

DIRECTIONS = ("", "_reverse")
# Where torch keeps the gates that ONNX wants, in ONNX's order: z, r, n and i, o, f, c.
GATES = {"gru": (1, 0, 2), "lstm": (0, 3, 1, 2)}


def gate_order(kind: str, size: int) -> Tensor:
    """Rows of torch's stacked gate weights in the order of ONNX."""
    rows = torch.arange(len(GATES[kind]) * size).reshape(-1, size)
    return rows[list(GATES[kind])].reshape(-1)


def torch_layer(kind: str, w: Tensor, r: Tensor, b: Tensor) -> Any:
    """torch's own layer, batch first, with weights in ONNX's layout: ``w`` ``[D, 3H or 4H, I]``,
    ``r`` ``[D, 3H or 4H, H]``, ``b`` ``[D, 6H or 8H]``."""
    directions, size = r.shape[0], r.shape[2]
    build = nn.GRU if kind == "gru" else nn.LSTM
    layer = build(w.shape[2], size, batch_first=True, bidirectional=directions == 2)
    layer.requires_grad_(False)
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

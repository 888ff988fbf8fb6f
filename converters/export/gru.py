"""nn.GRU for the exporter: one custom operator, translated to ONNX's fused ``GRU``.

The exporter unrolls or freezes nn.GRU over a dynamic axis; as one opaque operator it stays
fused and any length works.
"""

from __future__ import annotations

import copy
from typing import Any

import torch
from onnxscript import opset18 as op
from torch import Tensor, nn

from edge_sdk.errors import ExportError

_DIRECTIONS = ("", "_reverse")


@torch.library.custom_op("edge_sdk::gru", mutates_args=())
def fused_gru(x: Tensor, w: Tensor, r: Tensor, b: Tensor) -> Tensor:
    """One GRU layer from a zero state, in ONNX's weight layout (gates z, r, n).

    ``x`` float32 ``[N, T, I]``, ``w`` ``[D, 3H, I]``, ``r`` ``[D, 3H, H]``, ``b`` ``[D, 6H]``
    -> float32 ``[N, T, D * H]``. Runs torch's own GRU, so the exported program has a reference.
    """
    directions, size = r.shape[0], r.shape[2]
    gru = nn.GRU(x.shape[2], size, batch_first=True, bidirectional=directions == 2)
    order = _gate_order(size)
    with torch.no_grad():
        for d, suffix in enumerate(_DIRECTIONS[:directions]):
            getattr(gru, f"weight_ih_l0{suffix}").copy_(w[d][order])
            getattr(gru, f"weight_hh_l0{suffix}").copy_(r[d][order])
            getattr(gru, f"bias_ih_l0{suffix}").copy_(b[d][: 3 * size][order])
            getattr(gru, f"bias_hh_l0{suffix}").copy_(b[d][3 * size :][order])
        return gru(x)[0].contiguous()  # type: ignore[no-any-return]


@fused_gru.register_fake
def _(x: Tensor, w: Tensor, r: Tensor, b: Tensor) -> Tensor:
    return x.new_empty(x.shape[0], x.shape[1], r.shape[0] * r.shape[2])


def _onnx_gru(x: Any, w: Any, r: Any, b: Any) -> Any:
    directions, size = r.shape[0], r.shape[2]
    steps, _ = op.GRU(
        op.Transpose(x, perm=[1, 0, 2]),
        w,
        r,
        b,
        hidden_size=size,
        linear_before_reset=1,
        direction="bidirectional" if directions == 2 else "forward",
    )
    joined = op.Transpose(steps, perm=[2, 0, 1, 3])
    return op.Reshape(joined, op.Constant(value_ints=[0, 0, directions * size]))


TRANSLATIONS: dict[Any, Any] = {torch.ops.edge_sdk.gru.default: _onnx_gru}


class _ExportGru(nn.Module):
    """Stands in for an nn.GRU whose output sequence alone is used."""

    def __init__(self, gru: nn.GRU, where: str) -> None:
        super().__init__()
        if gru.num_layers != 1 or not gru.batch_first or not gru.bias:
            raise ExportError(
                f"The GRU {where} cannot be exported: it must have one layer, a bias and "
                "batch_first=True. Write several layers as several nn.GRU modules."
            )
        order = _gate_order(gru.hidden_size)
        suffixes = _DIRECTIONS[: 2 if gru.bidirectional else 1]

        def stack(*names: str) -> Tensor:
            rows = [
                torch.cat([getattr(gru, n + suffix).detach()[order] for n in names])
                for suffix in suffixes
            ]
            return torch.stack(rows)

        self.register_buffer("w", stack("weight_ih_l0"))
        self.register_buffer("r", stack("weight_hh_l0"))
        self.register_buffer("b", stack("bias_ih_l0", "bias_hh_l0"))

    def forward(self, x: Tensor) -> tuple[Tensor, None]:
        return fused_gru(x, self.w, self.r, self.b), None


def with_fused_grus(module: nn.Module) -> nn.Module:
    """A copy of ``module`` whose GRUs are the exporter's operator.

    Raises:
        ExportError: a GRU has several layers, no bias, or time before batch.
    """
    module = copy.deepcopy(module)
    for name, child in list(module.named_modules()):
        if isinstance(child, nn.GRU):
            parent, _, leaf = name.rpartition(".")
            setattr(module.get_submodule(parent), leaf, _ExportGru(child, name))
    return module


def _gate_order(size: int) -> Tensor:
    """From torch's gates r, z, n to ONNX's z, r, n; the same swap leads back."""
    index = torch.arange(3 * size)
    return torch.cat([index[size : 2 * size], index[:size], index[2 * size :]])

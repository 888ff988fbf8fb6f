"""``nn.MultiheadAttention`` as separate projections, so that whole heads can be pruned.

torch's own module needs as many inner channels as its input has; this one reads its number of
heads from the weights.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


class SplitAttention(nn.Module):
    """Multi-head attention (Vaswani et al., 2017) with the interface of torch's module.

    Args:
        given: the module to take over; ``bias_k``, ``add_zero_attn`` are not known here.
    """

    def __init__(self, given: nn.MultiheadAttention) -> None:
        super().__init__()
        self.batch_first = given.batch_first
        self.dropout = given.dropout
        self.head_width = given.head_dim
        # What torch's transformer layers ask before they take their fused path: not with this.
        self._qkv_same_embed_dim = False
        self.in_proj_bias = None
        if given._qkv_same_embed_dim:
            weights = given.in_proj_weight.detach().chunk(3)
        else:
            weights = (given.q_proj_weight, given.k_proj_weight, given.v_proj_weight)
        bias = given.in_proj_bias
        biases = (None, None, None) if bias is None else bias.detach().chunk(3)
        self.query, self.key, self.value = (
            _linear(w, b) for w, b in zip(weights, biases, strict=True)
        )
        self.out = _linear(given.out_proj.weight, given.out_proj.bias)
        self.train(given.training)

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        key_padding_mask: Tensor | None = None,
        need_weights: bool = True,
        attn_mask: Tensor | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """As of torch's module, for batches: ``[N, L, E]`` with ``batch_first``, else
        ``[L, N, E]``; unbatched ``[L, E]`` too."""
        alone = query.dim() == 2
        if alone:
            query, key, value = (x.unsqueeze(0) for x in (query, key, value))
        elif not self.batch_first:
            query, key, value = (x.transpose(0, 1) for x in (query, key, value))
        q, k, v = (
            self._heads(self.query(query)),
            self._heads(self.key(key)),
            self._heads(self.value(value)),
        )
        mask = _bias(attn_mask, key_padding_mask, q)
        if is_causal and attn_mask is None:
            size = (q.shape[2], k.shape[2])
            hidden = torch.ones(size, dtype=torch.bool, device=q.device).triu(1)
            mask = _bias(hidden, key_padding_mask, q)
        weights: Tensor | None = None
        chance = self.dropout if self.training else 0.0
        if need_weights:
            scores = q @ k.transpose(2, 3) * self.head_width**-0.5
            weights = torch.softmax(scores if mask is None else scores + mask, 3)
            joint = functional.dropout(weights, chance) @ v
            weights = weights.mean(1) if average_attn_weights else weights
        else:
            joint = functional.scaled_dot_product_attention(q, k, v, mask, chance)
        out = self.out(joint.transpose(1, 2).flatten(2))
        if alone:
            return out.squeeze(0), None if weights is None else weights.squeeze(0)
        return out if self.batch_first else out.transpose(0, 1), weights

    def _heads(self, x: Tensor) -> Tensor:
        return x.reshape(x.shape[0], x.shape[1], -1, self.head_width).transpose(1, 2)


def split_attention(module: nn.Module) -> list[str]:
    """Put :class:`SplitAttention` in the place of torch's modules; their names."""
    found: dict[str, Any] = {
        name: child
        for name, child in module.named_modules()
        if type(child) is nn.MultiheadAttention and child.bias_k is None and not child.add_zero_attn
    }
    for name, child in found.items():
        where, _, last = name.rpartition(".")
        if name:
            setattr(module.get_submodule(where), last, SplitAttention(child))
    return [name for name in found if name]


def _linear(weight: Tensor, bias: Tensor | None) -> nn.Linear:
    layer = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None)
    layer.weight = nn.Parameter(weight.detach().clone())
    if bias is not None:
        layer.bias = nn.Parameter(bias.detach().clone())
    return layer


def _bias(mask: Tensor | None, padding: Tensor | None, like: Tensor) -> Tensor | None:
    """Both masks as one summand of the scores ``[N or 1, heads or 1, L, S]``."""
    out: Tensor | None = None
    if mask is not None:
        mask = _additive(mask, like)
        if mask.dim() == 3:
            mask = mask.reshape(like.shape[0], -1, mask.shape[1], mask.shape[2])
        out = mask
    if padding is not None:
        hidden = _additive(padding, like)[:, None, None, :]
        out = hidden if out is None else out + hidden
    return out


def _additive(mask: Tensor, like: Tensor) -> Tensor:
    if mask.dtype != torch.bool:
        return mask.to(like.dtype)
    return torch.zeros_like(mask, dtype=like.dtype).masked_fill(mask, float("-inf"))

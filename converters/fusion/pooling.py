"""Reading a padded sequence at its true end: the last valid step and the mean so far."""

from __future__ import annotations

import torch
from torch import Tensor


def last_and_mean(steps: Tensor, lengths: Tensor | None) -> Tensor:
    """The last valid step beside the mean over the valid steps.

    Args:
        steps: float32 ``[N, T, C]``, padded at the end.
        lengths: int64 ``[N]``, at least 1 each; ``None`` when nothing is padded. The exported
            graph takes the ``None`` way: it has no gather and no comparison.

    Returns:
        float32 ``[N, 2C]``.
    """
    if lengths is None:
        return torch.cat((steps[:, -1], steps.mean(dim=1)), dim=1)
    place = (lengths - 1).view(-1, 1, 1).expand(-1, 1, steps.shape[2])
    last = steps.gather(1, place).squeeze(1)
    valid = valid_steps(lengths, steps.shape[1]).unsqueeze(2)
    # where, not a product: whatever stands in the padding must not reach the sum
    total = torch.where(valid, steps, torch.zeros_like(steps)).sum(dim=1)
    return torch.cat((last, total / lengths.unsqueeze(1)), dim=1)


def valid_steps(lengths: Tensor, size: int) -> Tensor:
    """bool ``[N, size]``: true where the step lies before the end of its sequence."""
    return torch.arange(size, device=lengths.device) < lengths.unsqueeze(1)

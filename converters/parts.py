"""A part on the build host: the module to export and how its graphs are to look."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from torch import Tensor, nn


class PartSpec(msgspec.Struct, frozen=True, kw_only=True):
    """A module to export and how its graph is to look.

    Attributes:
        name: the part's name.
        module: takes the tensors of ``example`` and gives one tensor or a tuple.
        example: one input set at batch 1.
        inputs: the graph's input names, one for each tensor of ``example``.
        outputs: the graph's output names.
        dynamic: for each input name with an axis of any length, that axis and its name.
        lengths: the lengths at which the graph is held against torch.
    """

    name: str
    module: nn.Module
    example: tuple[Tensor, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    dynamic: Mapping[str, tuple[int, str]] = {}
    lengths: tuple[int, ...] = ()

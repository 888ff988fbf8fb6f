"""How a part with axes of any length becomes one of fixed lengths: padded, and its lengths told."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from edge_sdk.bundle.fixed_length import FixedLength
from edge_sdk.errors import ExportError

from ..parts import PartSpec

_LENGTH = "length"


@runtime_checkable
class TakesPadding(Protocol):
    """A module that may know how to leave padding out by itself."""

    def padded(self) -> nn.Module | None:
        """The same on padded inputs, followed by an int32 ``[1]`` for each input of any length:
        how much of it is there. None where padding would reach the result."""
        ...


def fixed_lengths(
    spec: PartSpec, part: nn.Module, sizes: Mapping[str, int]
) -> tuple[FixedLength, ...]:
    """What of ``spec`` is padded, and to what length.

    A module with the argument ``lengths`` masks by itself and costs as much as its window, which
    is what ``sizes`` says for the axis; one that cuts and pads to a length of its own is as long
    inside whatever the window, and takes all that the front-end gives.

    Raises:
        ExportError: the module has no way to leave padding out, or an axis has no size.
    """
    if not spec.dynamic:
        return ()
    masks = "lengths" in inspect.signature(part.forward).parameters
    if not masks and (not isinstance(part, TakesPadding) or part.padded() is None):
        axes = ", ".join(f"{name} ({axis[1]})" for name, axis in spec.dynamic.items())
        raise ExportError(
            f"The part {spec.name} takes inputs of any length: {axes}. TFLite graphs have fixed "
            "lengths, and padding would change the answer. Set length for each in the spec "
            "(model.toml): it then holds on every engine."
        )
    if masks and len(spec.dynamic) > 1:
        raise ExportError(
            f"The part {spec.name} has several inputs of any length "
            f"({', '.join(spec.dynamic)}); for TFLite it may have one. "
            "Give the others a fixed size."
        )
    found = []
    for name, (axis, axis_name) in spec.dynamic.items():
        size = sizes.get(axis_name) if masks else spec.spans[name][1]
        if size is None:
            raise ExportError(
                f"The part {spec.name} needs a length for its axis {axis_name}: TFLite graphs "
                "have fixed lengths."
            )
        told = _LENGTH if len(spec.dynamic) == 1 else f"{_LENGTH}_{name}"
        found.append(FixedLength(input=name, axis=axis, size=size, length=told))
    return tuple(found)


def padded_module(part: nn.Module, fixed: tuple[FixedLength, ...]) -> tuple[nn.Module, bool]:
    """The module to export, and whether it makes masks of a float length (:mod:`.tflite_masks`)."""
    if not fixed:
        return part, False
    padded = part.padded() if isinstance(part, TakesPadding) else None
    return (_Masking(part), True) if padded is None else (padded, False)


def padded_arguments(
    spec: PartSpec, fixed: tuple[FixedLength, ...], masks: bool
) -> tuple[Tensor, ...]:
    """The example at the fixed lengths, then the lengths."""
    sizes = {item.input: item for item in fixed}
    found = []
    for name, value in zip(spec.inputs, spec.example, strict=True):
        item = sizes.get(name)
        if item is not None:
            times = -(-item.size // value.shape[item.axis])
            value = torch.cat([value] * times, item.axis).narrow(item.axis, 0, item.size)
        found.append(value.contiguous())
    dtype = torch.float32 if masks else torch.int32
    return (*found, *(torch.tensor([item.size], dtype=dtype) for item in fixed))


class _Masking(nn.Module):
    """A module whose last argument is ``lengths``, told as float32 ``[1]``: see `.tflite_masks`."""

    def __init__(self, part: nn.Module) -> None:
        super().__init__()
        self.part = part

    def forward(self, *inputs: Tensor) -> object:
        *features, length = inputs
        return self.part(*features, lengths=length.to(torch.int64))

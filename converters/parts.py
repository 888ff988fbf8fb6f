"""A part on the build host: what to export and how its graphs are to look."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec
import onnx
import torch
from torch import Tensor, nn


class PartSpec(msgspec.Struct, frozen=True, kw_only=True):
    """A module to export, or an ONNX graph, and how the graph of the part is to look.

    Attributes:
        name: the part's name.
        module: takes the tensors of ``example`` and gives one tensor or a tuple; None where the
            model came as a graph.
        graph: the graph, with the names of ``inputs`` and ``outputs``; None where there is a
            module.
        example: one input set at batch 1.
        inputs: the graph's input names, one for each tensor of ``example``.
        outputs: the graph's output names.
        dynamic: for each input name with an axis of any length, that axis and its name.
        lengths: the lengths at which the graph is held against torch; several dynamic inputs
            take them in turn, so that no two are of one length throughout.
        spans: for each dynamic input with bounds, its shortest and longest length.
    """

    name: str
    module: nn.Module | None = None
    graph: onnx.ModelProto | None = None
    example: tuple[Tensor, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    dynamic: Mapping[str, tuple[int, str]] = {}
    lengths: tuple[int, ...] = ()
    spans: Mapping[str, tuple[int, int]] = {}

    def examples(self) -> Iterator[tuple[int, tuple[Tensor, ...]]]:
        """(length, one input set) for every length; (0, ...) where none is dynamic."""
        for turn, length in enumerate(self.lengths or (0,)):
            yield length, tuple(self._example(i, turn) for i in range(len(self.inputs)))

    def _example(self, number: int, turn: int) -> Tensor:
        name, value = self.inputs[number], self.example[number]
        axis = self.dynamic.get(name)
        shape = list(value.shape)
        if axis is not None:
            place = list(self.dynamic).index(name)
            length = self.lengths[(turn + place) % len(self.lengths)]
            shortest, longest = self.spans.get(name, (1, length))
            shape[axis[0]] = min(max(length, shortest), longest)
        generator = torch.Generator().manual_seed(number)
        if not value.dtype.is_floating_point:
            most = int(value.max()) + 1
            return torch.randint(0, most, shape, generator=generator, dtype=value.dtype)
        # A mask keeps its values, 0 and 1, and features get a spread like normalised ones.
        if axis is None and value.numel() < 8:
            return value
        return torch.randn(shape, generator=generator)


def streams(spec: PartSpec) -> bool:
    """Whether a part is one that a stream of sound would run through: frames of any number."""
    return spec.name == "audio" and list(spec.dynamic.values()) == [(1, "frames")]

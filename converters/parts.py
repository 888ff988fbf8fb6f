"""A part on the build host: what to export and how its graphs are to look."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec
import onnx
import torch
from torch import Tensor, nn

from edge_sdk.bundle.manifest import StateSpec


class StepSpec(msgspec.Struct, frozen=True, kw_only=True):
    """An audio encoder a step at a time.

    Attributes:
        module: takes features ``[1, frames, bands]`` and the states, gives the embedding and the
            new states.
        frames: of a step.
        states: the shapes of the states, float32; zeros at first.
        own: whether it is the user's, to be held against the encoder before it is used.
    """

    module: nn.Module
    frames: int
    states: tuple[tuple[int, ...], ...]
    own: bool = False

    @property
    def named(self) -> tuple[StateSpec, ...]:
        """The states as the graph calls them."""
        return tuple(
            StateSpec(input=f"state_{i}", output=f"next_{i}", shape=shape)
            for i, shape in enumerate(self.states)
        )


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
        step: the module a step at a time, where it has such a form.
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
    step: StepSpec | None = None

    def stepped(self) -> PartSpec | None:
        """The part a step at a time, as a part of fixed shapes."""
        if self.step is None:
            return None
        generator = torch.Generator().manual_seed(0)
        features = self.example[0][:, :1].repeat(1, self.step.frames, 1)
        zeros = [torch.zeros(shape) for shape in self.step.states]
        return PartSpec(
            name=self.name,
            module=self.step.module.eval(),
            example=(torch.randn(features.shape, generator=generator), *zeros),
            inputs=(*self.inputs, *(state.input for state in self.step.named)),
            outputs=(*self.outputs, *(state.output for state in self.step.named)),
        )

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

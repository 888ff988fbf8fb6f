"""The modules of a source, together: copied, run part by part, put back."""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import msgspec
import torch
from torch import Tensor, nn

from edge_sdk.errors import UsageError

from ..parts import PartSpec
from ..source import HEAD, Source


class Parts(msgspec.Struct, frozen=True):
    """A source's own copy of its modules; parts may share some of them."""

    source: Source
    specs: tuple[PartSpec, ...]
    whole: nn.Module

    @classmethod
    def of(cls, source: Source) -> Parts:
        """A copy of the modules of ``source``.

        Raises:
            UsageError: the source came as a graph.
        """
        if any(spec.module is None for spec in source.parts) or source.module is None:
            raise UsageError(
                f"The model {source.name} came as a graph, whose sizes are fixed; pruning needs "
                "the nn.Module: give it with --model package.module:callable."
            )
        return cls(source, source.parts, source.module).copied()

    def copied(self) -> Parts:
        """The same with modules of its own."""
        whole, modules = copy.deepcopy((self.whole, list(map(module_of, self.specs))))
        return msgspec.structs.replace(self, whole=whole, specs=self._with(modules))

    def _with(self, modules: Sequence[nn.Module]) -> tuple[PartSpec, ...]:
        return tuple(
            msgspec.structs.replace(spec, module=module)
            for spec, module in zip(self.specs, modules, strict=True)
        )

    @property
    def modules(self) -> dict[str, nn.Module]:
        """The modules by part."""
        return {spec.name: module_of(spec) for spec in self.specs}

    @property
    def holder(self) -> nn.ModuleDict:
        """All parts as one module: what is shared is there once."""
        return nn.ModuleDict(self.modules)

    @property
    def head(self) -> PartSpec:
        """The last part."""
        return self.specs[-1]

    @property
    def encoders(self) -> tuple[PartSpec, ...]:
        """The parts before the head."""
        return self.specs[:-1]

    def examples(
        self, only: Collection[str] | None = None
    ) -> Iterator[tuple[PartSpec, tuple[Tensor, ...]]]:
        """Every part (of ``only``) with its example, then with the other lengths it can have."""
        for spec in self.specs:
            if only is not None and spec.name not in only:
                continue
            yield spec, spec.example
            for _, example in spec.examples():
                if spec.lengths:
                    yield spec, example

    def embed(self, features: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """What the head takes of each modality: its embedding, or its features."""
        modules = self.modules
        return {
            name: modules[name](value) if name in modules and name != HEAD else value
            for name, value in features.items()
        }

    def answer(self, embeddings: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Each head's output, of the modalities that are there."""
        order = self.source.frontends.modalities
        arguments = []
        for name, example in zip(self.head.inputs, self.head.example, strict=True):
            if name == "mask":
                arguments.append(torch.tensor([[float(m in embeddings) for m in order]]))
            elif name in embeddings:
                arguments.append(embeddings[name])
            else:
                arguments.append(torch.zeros_like(example))
        results: Any = module_of(self.head)(*arguments)
        results = results if isinstance(results, tuple) else (results,)
        return dict(zip(self.head.outputs, results, strict=True))


def module_of(spec: PartSpec) -> nn.Module:
    """The part's module, which :meth:`Parts.of` made sure of."""
    assert spec.module is not None
    return spec.module

"""What an engine is: it loads one graph and runs it, or says why it cannot.

A new engine is one module with a class of this protocol, named by the entry-point group
``edge_sdk.engines``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import msgspec
from numpy.typing import NDArray

from edge_sdk.bundle.manifest import ShapeRange, TensorSpec

Tensors = Mapping[str, NDArray[Any]]


class EngineOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How a graph is to be run.

    ``threads`` bounds the engine's threads; ``optimise`` False runs the graph as it is written,
    node by node in floating point where it is quantised (the reference for golden values);
    ``shapes`` are what an engine that compiles its graphs is to accept.
    """

    threads: int = 1
    optimise: bool = True
    shapes: tuple[ShapeRange, ...] = ()


class Executable(Protocol):
    """A loaded graph."""

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    #: The provider that really runs it, as the engine names it.
    provider: str

    def run(self, inputs: Tensors) -> dict[str, NDArray[Any]]:
        """Run once; the outputs by name.

        Raises:
            InputError: an input is missing, unknown, or of another rank, dtype or fixed length.
            EngineError: the engine failed.
        """
        ...

    def close(self) -> None:
        """Give back what the engine holds; the executable cannot be run again."""
        ...


class Engine(Protocol):
    """An inference engine that is installed here."""

    name: str

    def version(self) -> str:
        """The version of the library behind the engine.

        Raises:
            EngineError: it is not installed.
        """
        ...

    def load(self, graph: bytes, options: EngineOptions) -> Executable:
        """Load a graph from its bytes.

        Raises:
            EngineError: the library is not installed or refuses the graph.
        """
        ...

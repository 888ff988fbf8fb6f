"""What an engine is: it loads one graph and runs it, or says why it cannot.

A new engine is one module with a class of this protocol, named by the entry-point group
``edge_sdk.engines``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import msgspec
from numpy.typing import NDArray

from edge_sdk.bundle.manifest import ShapeRange, TensorSpec
from edge_sdk.targets import Precision

from .placement import Placement
from .run_times import Stamps

Tensors = Mapping[str, NDArray[Any]]


class EngineOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How a graph is to be run.

    ``threads`` bounds the engine's threads; ``optimise`` False runs the graph as it is written,
    node by node in floating point where it is quantised (the reference for golden values);
    ``trace`` has the graph keep what :meth:`Executable.placement` needs, which slows it down.
    ``outputs`` are those that are wanted; empty: all. ``states`` counts inputs that have a
    default among the inputs; otherwise they are left out and keep it.

    For engines that compile their graphs: ``shapes`` are what they are to accept, ``precision``
    is what the graph is written in, ``cache`` is where compiled engines lie (None: the user's
    cache folder).
    """

    threads: int = 1
    optimise: bool = True
    trace: bool = False
    shapes: tuple[ShapeRange, ...] = ()
    precision: Precision = "fp32"
    cache: Path | None = None
    outputs: tuple[str, ...] = ()
    states: bool = False


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

    def placement(self) -> Placement | None:
        """Where its nodes run; None where the engine cannot tell.

        The graph must have been loaded with ``trace`` and have run: some engines tell of the
        nodes that did. Ask once, after the last run.
        """
        ...

    def close(self) -> None:
        """Give back what the engine holds; the executable cannot be run again."""
        ...


@runtime_checkable
class Bindable(Protocol):
    """What a loaded graph may be besides: tied to memory of the caller's.

    A small graph that runs often takes longer to be handed its arrays than one would think.
    """

    def bind(self, inputs: Tensors, outputs: Tensors) -> Callable[[], None]:
        """A run that reads and writes these very arrays each time it is called.

        All must be contiguous, of the dtypes and lengths of the graph, and are kept alive by what
        is returned, which raises :class:`~edge_sdk.errors.EngineError` where the engine fails.
        No output may be an input.

        Raises:
            InputError: an input does not fit the graph.
        """
        ...


@runtime_checkable
class Timed(Protocol):
    """What a loaded graph may be besides: it tells where the time of its last run went."""

    #: Of the last :meth:`Executable.run` that succeeded; None: there was none.
    last_run: Stamps | None


class Engine(Protocol):
    """An inference engine that is installed here.

    One that runs the graphs made for another engine says so in an attribute ``stands_in_for``,
    the other's name. It runs where it is asked for by name, never by itself.
    """

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

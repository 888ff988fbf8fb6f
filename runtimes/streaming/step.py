"""The graph of a step, loaded: the part's inputs and outputs, and the states beside them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from edge_sdk.bundle import Bundle
from edge_sdk.bundle.manifest import Part, Streaming, Variant
from edge_sdk.bundle.streaming import Stepper, Steps

from ..engines import EngineOptions, Executable, load_engine
from ..engines.protocol import Bindable

Arrays = dict[str, NDArray[Any]]


#: Lengths of steps that are bound at once; a stream has one or two.
_LENGTHS = 4


class BoundStepper:
    """Steps on memory that the engine was told of once.

    The states lie in two sets of arrays; a step reads the one and writes the other, and the next
    one goes the other way. A length of step is bound when it comes a second time in a row; others
    go through the graph as usual.

    Args:
        graph: of the engine.
        bind: the same, as what it can be tied to arrays with.
        streaming: what the manifest says of it.
        part: the encoder.
    """

    def __init__(self, graph: Executable, bind: Bindable, streaming: Streaming, part: Part) -> None:
        self._graph, self._bind, self._multiples = graph, bind, streaming.multiples
        self.frames = streaming.frames
        self._given, self._made = part.inputs[0].name, part.outputs[0].name
        self._shape = part.inputs[0].shape
        self._names = [(state.input, state.output) for state in streaming.states]
        self._embedding = np.zeros([int(size) for size in part.outputs[0].shape], np.float32)
        self._sides: tuple[Arrays, Arrays] = tuple(  # type: ignore[assignment]
            {state.input: np.zeros(state.shape, state.dtype) for state in streaming.states}
            for _ in range(2)
        )
        self._bound: dict[int, _Bound] = {}
        self._at = self._last = 0

    def step(self, features: NDArray[np.float32]) -> NDArray[Any]:
        count = features.shape[1]
        if not self._multiples and count > self.frames:
            for first in range(0, count, self.frames):
                embedding = self.step(features[:, first : first + self.frames])
            return embedding
        bound = self._bound.get(count)
        if bound is None and count == self._last:
            bound = self._bind_length(count)
        self._last = count
        if bound is not None:
            bound.features[:] = features
            bound.runs[self._at]()
            self._at ^= 1
            return np.array(self._embedding)
        before, after = self._sides[self._at], self._sides[self._at ^ 1]
        found = self._graph.run({self._given: features, **before})
        for name, out in self._names:
            after[name][:] = found[out]
        self._at ^= 1
        made: NDArray[np.float32] = found[self._made]
        return made

    def reset(self) -> None:
        for state in self._sides[self._at].values():
            state.fill(0)

    def _bind_length(self, count: int) -> _Bound:
        if len(self._bound) == _LENGTHS:
            self._bound.clear()
        shape = [count if isinstance(size, str) else size for size in self._shape]
        features = np.zeros(shape, np.float32)
        runs = [
            self._bind.bind(
                {self._given: features, **before},
                {self._made: self._embedding, **{out: after[name] for name, out in self._names}},
            )
            for before, after in (self._sides, self._sides[::-1])
        ]
        self._bound[count] = bound = _Bound(features, runs)
        return bound


class _Bound(NamedTuple):
    """A length of step: where its features go, and its runs from either set of states."""

    features: NDArray[np.float32]
    runs: list[Callable[[], None]]


def load_step(
    bundle: Bundle, variant: Variant, engine: str, options: EngineOptions
) -> Executable | None:
    """The streaming form of an audio encoder; None where it has none, or the engine none of it.

    (An engine that takes defaults for constants cannot be given a state.)

    Raises:
        EngineError: the engine is not installed or refuses the graph.
        BundleError: the graph is damaged.
    """
    streaming = variant.streaming
    if streaming is None:
        return None
    options = msgspec.structs.replace(
        options, states=True, outputs=(), shapes=(), precision=variant.precision
    )
    graph = load_engine(engine).load(bundle.read(streaming.file), options)
    given, made = ({spec.name for spec in specs} for specs in (graph.inputs, graph.outputs))
    if all(state.input in given and state.output in made for state in streaming.states):
        return graph
    graph.close()
    return None


def stepper_of(graph: Executable, streaming: Streaming, part: Part) -> Steps:
    """One stream through the graph of a step; several may share it."""
    lengths = [size for size in part.inputs[0].shape if isinstance(size, str)]
    known = all(isinstance(size, int) for size in part.outputs[0].shape)
    if isinstance(graph, Bindable) and len(lengths) <= 1 and known:
        return BoundStepper(graph, graph, streaming, part)
    return Stepper(graph.run, streaming, part.inputs[0].name, part.outputs[0].name)

"""The graph of a step, loaded: the part's inputs and outputs, and the states beside them."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from edge_sdk.bundle import Bundle
from edge_sdk.bundle.manifest import Part, Streaming, Variant
from edge_sdk.bundle.streaming import Stepper, Steps

from ..engines import EngineOptions, Executable, load_engine
from ..engines.protocol import Bindable

Arrays = dict[str, NDArray[Any]]


class BoundStepper:
    """Steps of one length, on memory that the engine was told of once.

    The states lie in two sets of arrays; a step reads the one and writes the other, and the next
    one goes the other way. Steps of other lengths go through the graph as usual.

    Args:
        graph: of the engine.
        bind: the same, as what it can be tied to arrays with.
        streaming: what the manifest says of it.
        part: the encoder.
        hop: frames of a usual step.
    """

    def __init__(
        self, graph: Executable, bind: Bindable, streaming: Streaming, part: Part, hop: int
    ) -> None:
        self._graph, self._multiples = graph, streaming.multiples
        self.frames = streaming.frames
        self._unit = hop if streaming.multiples else streaming.frames
        self._given, self._made = part.inputs[0].name, part.outputs[0].name
        self._names = [(state.input, state.output) for state in streaming.states]
        fixed = dict.fromkeys((s for s in part.inputs[0].shape if isinstance(s, str)), self._unit)
        shape = [fixed[size] if isinstance(size, str) else size for size in part.inputs[0].shape]
        self._features = np.zeros(shape, np.float32)
        self._embedding = np.zeros([int(size) for size in part.outputs[0].shape], np.float32)
        self._sides: tuple[Arrays, Arrays] = tuple(  # type: ignore[assignment]
            {state.input: np.zeros(state.shape, state.dtype) for state in streaming.states}
            for _ in range(2)
        )
        self._runs = [
            bind.bind(
                {self._given: self._features, **before},
                {self._made: self._embedding, **{out: after[name] for name, out in self._names}},
            )
            for before, after in (self._sides, self._sides[::-1])
        ]
        self._at = 0

    def step(self, features: NDArray[np.float32]) -> NDArray[Any]:
        count = features.shape[1]
        if count == self._unit:
            self._features[:] = features
            self._runs[self._at]()
            self._at ^= 1
            return np.array(self._embedding)
        if not self._multiples:
            for first in range(0, count, self._unit):
                embedding = self.step(features[:, first : first + self._unit])
            return embedding
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


def stepper_of(graph: Executable, streaming: Streaming, part: Part, hop: int) -> Steps:
    """One stream through the graph of a step, ``hop`` frames at a time; several may share it."""
    lengths = [size for size in part.inputs[0].shape if isinstance(size, str)]
    known = all(isinstance(size, int) for size in part.outputs[0].shape)
    if isinstance(graph, Bindable) and len(lengths) <= 1 and known:
        return BoundStepper(graph, graph, streaming, part, hop)
    return Stepper(graph.run, streaming, part.inputs[0].name, part.outputs[0].name)

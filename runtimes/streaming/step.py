"""The graph of a step, loaded: the part's inputs and outputs, and the states beside them."""

from __future__ import annotations

import msgspec

from edge_sdk.bundle import Bundle
from edge_sdk.bundle.manifest import Part, Streaming, Variant
from edge_sdk.bundle.streaming import Stepper

from ..engines import EngineOptions, Executable, load_engine


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


def stepper_of(graph: Executable, streaming: Streaming, part: Part) -> Stepper:
    """One stream through the graph of a step; several may share it."""
    return Stepper(graph.run, streaming, part.inputs[0].name, part.outputs[0].name)

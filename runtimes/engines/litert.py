"""LiteRT (TensorFlow Lite) on the CPU: XNNPACK kernels, or the reference ones on request."""

from __future__ import annotations

from collections import deque
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_sdk.bundle.manifest import TensorSpec
from edge_sdk.bundle.tflite_note import TfliteNote, read_note
from edge_sdk.errors import EngineError

from .checks import check_inputs
from .layer_times import LayerTime, NotTold
from .litert_inputs import LiteRtInput
from .litert_nodes import is_delegated, nodes_of
from .litert_times import litert_times
from .placement import Placement, placement
from .protocol import EngineOptions, Tensors
from .run_times import Stamps

XNNPACK, BUILTIN, REFERENCE = "XNNPACK", "builtin", "reference"
# Inputs that a traced graph keeps, to be run again by the profiler.
_FEEDS = 16


class LiteRtEngine:
    """The engine ``litert``."""

    name = "litert"

    def version(self) -> str:
        """The version of the package ai-edge-litert, or of tflite-runtime where it is that."""
        return _library()[1]

    def load(self, graph: bytes, options: EngineOptions) -> LiteRtGraph:
        """Load a TFLite graph."""
        return LiteRtGraph(graph, options)


class LiteRtGraph:
    """A graph loaded into the TFLite interpreter."""

    def __init__(self, graph: bytes, options: EngineOptions) -> None:
        library, version = _library()
        resolvers = library.OpResolverType
        try:
            self._interpreter = library.Interpreter(
                model_content=graph,
                num_threads=options.threads,
                experimental_op_resolver_type=(
                    resolvers.AUTO if options.optimise else resolvers.BUILTIN_REF
                ),
            )
            self._interpreter.allocate_tensors()
            runner = self._interpreter.get_signature_runner()
            self._inputs = runner.get_input_details()
            self._outputs = runner.get_output_details()
        except (ValueError, RuntimeError, TypeError) as error:
            raise EngineError(f"litert {version} refuses the graph: {error}") from error
        note = read_note(graph) or _declared(self._inputs, self._outputs)
        told = {fixed.length for fixed in note.fixed}
        if {s.name for s in note.inputs} | told != set(self._inputs):
            raise EngineError("The graph's description names other inputs than the graph has.")
        self.inputs = note.inputs
        self.outputs = tuple(
            s for s in note.outputs if not options.outputs or s.name in options.outputs
        )
        fixed = {one.input: one for one in note.fixed}
        self._write = {
            spec.name: LiteRtInput(self._interpreter, self._inputs, spec.name, fixed.get(spec.name))
            for spec in self.inputs
        }
        self._read = [(spec.name, self._outputs[spec.name]["index"]) for spec in self.outputs]
        self._library, self._version, self._threads = library, version, options.threads
        # The profiler runs the graph anew, on what it was given.
        self._traced = graph if options.trace else None
        self._feeds: deque[Tensors] = deque(maxlen=_FEEDS)
        self.last_run: Stamps | None = None
        if not options.optimise:
            self.provider = REFERENCE
        else:
            self.provider = BUILTIN if is_delegated(self._interpreter) is False else XNNPACK

    def run(self, inputs: Tensors) -> dict[str, NDArray[Any]]:
        """Run once; see :class:`~edge_sdk.runtimes.engines.protocol.Executable`.

        Raises:
            InputError: also where an input is longer than the graph's fixed length.
        """
        entered = perf_counter()
        if self._interpreter is None:
            raise EngineError("The graph is closed; load it again.")
        check_inputs(self.inputs, inputs)
        try:
            for name, value in inputs.items():
                self._write[name].write(value)
            if self._traced is not None:
                self._feeds.append(
                    {n: self._interpreter.get_tensor(d["index"]) for n, d in self._inputs.items()}
                )
            called = perf_counter()
            self._interpreter.invoke()
            returned = perf_counter()
            results = {name: self._interpreter.get_tensor(index) for name, index in self._read}
        except (ValueError, RuntimeError) as error:
            raise EngineError(f"litert failed while running the graph: {error}") from error
        self.last_run = (entered, called, returned, perf_counter())
        return results

    def placement(self) -> Placement | None:
        """Where its nodes run: in XNNPACK, or in the interpreter's own kernels."""
        if self._interpreter is None:
            raise EngineError("The graph is closed; load it again.")
        own = REFERENCE if self.provider == REFERENCE else BUILTIN
        nodes = nodes_of(self._interpreter, XNNPACK, own)
        return None if nodes is None else placement(nodes)

    def layer_times(self) -> tuple[LayerTime, ...] | NotTold:
        """How long its operators take, if it was loaded with ``trace`` and has run.

        Raises:
            EngineError: LiteRT refuses the graph where its profiler is on.
        """
        if self._traced is None:
            return NotTold("the graph was loaded without tracing")
        if self.provider == REFERENCE:
            return NotTold("the reference kernels are not what runs on a device")
        return litert_times(
            self._library,
            self._version,
            self._traced,
            self._threads,
            list(self._feeds),
            (XNNPACK, BUILTIN),
        )

    def close(self) -> None:
        """Drop the interpreter."""
        self._interpreter = None
        self._write.clear()


def _library() -> tuple[Any, str]:
    """The interpreter's module and its version."""
    try:
        import ai_edge_litert
        from ai_edge_litert import interpreter
    except ImportError:
        try:
            import tflite_runtime
            from tflite_runtime import interpreter
        except ImportError as error:
            raise EngineError(
                "The engine litert is not installed here: pip install 'edge-sdk[tflite]'."
            ) from error
        return interpreter, str(tflite_runtime.__version__)
    return interpreter, str(ai_edge_litert.__version__)


def _declared(inputs: dict[str, Any], outputs: dict[str, Any]) -> TfliteNote:
    """The interface of a graph that carries no description: as the graph declares it."""
    return TfliteNote(
        inputs=tuple(_spec(name, detail) for name, detail in inputs.items()),
        outputs=tuple(_spec(name, detail) for name, detail in outputs.items()),
    )


def _spec(name: str, detail: dict[str, Any]) -> TensorSpec:
    return TensorSpec(
        name=name,
        dtype=np.dtype(detail["dtype"]).name,
        shape=tuple(int(size) for size in detail["shape"]),
    )

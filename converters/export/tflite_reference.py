"""TFLite graphs run as they are written: the reference for parity, the gate and golden values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_sdk.bundle.fixed_length import pad
from edge_sdk.bundle.tflite_note import read_note
from edge_sdk.errors import ExportError

from .tflite_tools import interpreter_module

Arrays = dict[str, NDArray[Any]]


class TfliteReference:
    """A TFLite graph of ours in the interpreter with one thread and the reference kernels.

    ``optimise`` takes the fast kernels instead; ``keep_tensors`` keeps every inner value to be
    read from ``interpreter`` after a run. Inputs are the unpadded ones.
    """

    def __init__(self, graph: bytes, *, optimise: bool = False, keep_tensors: bool = False) -> None:
        library = interpreter_module()
        kinds = library.OpResolverType
        kind = kinds.AUTO if optimise else kinds.BUILTIN_REF
        if keep_tensors:
            # inner values are the graph's own only where no delegate merges nodes
            kind = kinds.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        note = read_note(graph)
        if note is None:
            raise ExportError("The TFLite graph carries no description of its interface.")
        try:
            self.interpreter = library.Interpreter(
                model_content=graph,
                num_threads=1,
                experimental_op_resolver_type=kind,
                experimental_preserve_all_tensors=keep_tensors,
            )
            self.interpreter.allocate_tensors()
            runner = self.interpreter.get_signature_runner()
            self._inputs, self._outputs = runner.get_input_details(), runner.get_output_details()
        except (ValueError, RuntimeError) as error:
            raise ExportError(f"LiteRT refuses the graph: {error}") from error
        self.note = note
        self.outputs = [spec.name for spec in note.outputs]

    @property
    def width(self) -> int:
        """The last axis of the first output: an encoder's embedding size."""
        return int(self.note.outputs[0].shape[-1])

    def feed(self, inputs: Mapping[str, NDArray[Any]]) -> Arrays:
        """What the graph itself is given for ``inputs``: padded, and in its own dtypes.

        Raises:
            InputError: an input is longer than the graph.
        """
        given = dict(inputs)
        for fixed in self.note.fixed:
            given[fixed.input], given[fixed.length] = pad(given[fixed.input], fixed)
        return {
            name: given[name].astype(np.dtype(detail["dtype"]), copy=False)
            for name, detail in self._inputs.items()
        }

    def run(self, inputs: Mapping[str, NDArray[Any]]) -> Arrays:
        """The outputs by name.

        Raises:
            InputError: an input is longer than the graph.
            ExportError: the graph does not run on these inputs.
        """
        try:
            for name, value in self.feed(inputs).items():
                self.interpreter.set_tensor(self._inputs[name]["index"], value)
            self.interpreter.invoke()
            return {n: self.interpreter.get_tensor(self._outputs[n]["index"]) for n in self.outputs}
        except (ValueError, RuntimeError, KeyError) as error:
            raise ExportError(f"LiteRT fails on the graph: {error}") from error

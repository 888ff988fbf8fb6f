"""Quantised forms of a TFLite graph: ranges from real inputs, rules from the recipe."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_sdk.bundle.tflite_note import read_note
from edge_sdk.errors import DataError, ExportError

from ..calibration.minmax import MinMaxObserver
from .tflite_flatbuffer import Graph, finish
from .tflite_process import run_worker
from .tflite_recipes import RECIPES, Rule, TflitePrecision, entry
from .tflite_reference import TfliteReference
from .tflite_worker import GRAPH, RANGES, RECIPE

Feeds = Iterable[Mapping[str, NDArray[Any]]]
# The file format and the quantizer call it differently.
_QUANTIZER_NAMES = {"TRANSPOSE_CONV": "CONV_2D_TRANSPOSE"}
_CONVOLUTIONS = {"CONV_2D", "DEPTHWISE_CONV_2D", "CONV_2D_TRANSPOSE"}


def quantise_tflite(
    fp32: bytes,
    precision: TflitePrecision,
    feeds: Feeds = (),
    *,
    part: str = "model",
    timeout: float | None = None,
) -> bytes:
    """``fp32``, made by :func:`.tflite.export_tflite`, in another precision.

    Operators that the recipe does not name stay float; :func:`.tflite_flatbuffer.\
tflite_float_share` says what is left.

    Args:
        fp32: the float graph.
        precision: the recipe.
        feeds: real inputs, unpadded, one in memory at a time; read only where the recipe needs
            ranges for an operator that the graph has.
        part: the part's name, for sentences.
        timeout: seconds the quantizer may take.

    Raises:
        DataError: ranges are needed and there is no input, or one makes a value NaN or infinite.
        DependencyError: the TFLite tools are not installed.
        ExportError: the quantizer gave up, crashed or hung.
        InputError: an input is longer than the graph.
    """
    graph = Graph(fp32)
    recipe = [item for rule in RECIPES[precision] for item in _entries(graph, rule)]
    if not recipe:
        return fp32
    watched = _static_tensors(graph, RECIPES[precision])
    ranges = _ranges(fp32, graph, watched, feeds, part) if watched else {}
    files = {
        GRAPH: fp32,
        RECIPE: json.dumps(recipe).encode(),
        RANGES: json.dumps(ranges).encode(),
    }
    content = run_worker("quantise", part, files, timeout=timeout)
    note = read_note(fp32)
    if note is None:
        raise ExportError(f"The TFLite graph of the part {part} has no description.")
    return finish(content, {}, note)


def _operator(graph: Graph, node: Any) -> str:
    name = graph.operator(node)
    return _QUANTIZER_NAMES.get(name, name)


def _chosen(graph: Graph, rule: Rule) -> list[Any]:
    """The nodes that a rule is about."""
    nodes = [n for n in graph.main.operators if _operator(graph, n) in rule.operators]
    if not rule.before_convolution:
        return nodes
    readers: dict[int, list[Any]] = {}
    for node in graph.main.operators:
        for tensor in node.inputs:
            readers.setdefault(int(tensor), []).append(node)
    reaching: list[Any] = []
    # the file lists nodes in the order they run, so a node's readers are decided before it
    for node in reversed(nodes):
        after = [r for tensor in node.outputs for r in readers.get(int(tensor), [])]
        if (
            graph.is_float(int(node.outputs[0]))
            and not _infinite(graph, node)
            and any(
                _operator(graph, r) in _CONVOLUTIONS or any(r is known for known in reaching)
                for r in after
            )
        ):
            reaching.append(node)
    return reaching


def _infinite(graph: Graph, node: Any) -> bool:
    """Whether a node pads with infinity, or takes what was: int8 has none. torch's pooling of
    maxima with padding becomes that."""
    makers = {int(t): n for n in graph.main.operators for t in n.outputs}
    for some in (node, *(makers[int(t)] for t in node.inputs if int(t) in makers)):
        if graph.operator(some) == "PADV2" and graph.constant(int(some.inputs[2])):
            value = np.frombuffer(graph.content(int(some.inputs[2])), np.float32)
            if not np.isfinite(value).all():
                return True
    return False


def _entries(graph: Graph, rule: Rule) -> list[dict[str, Any]]:
    nodes = _chosen(graph, rule)
    by_operator: dict[str, list[Any]] = {}
    for node in nodes:
        by_operator.setdefault(_operator(graph, node), []).append(node)
    found = []
    for operator, some in sorted(by_operator.items()):
        scope = ".*"
        if rule.before_convolution:
            names = sorted(_name(graph, n.outputs[0]) for n in some)
            scope = f"^({'|'.join(names)});"
        found.append(entry(operator, rule.how, scope))
    return found


def _static_tensors(graph: Graph, rules: Iterable[Rule]) -> set[int]:
    """The activations whose ranges the recipe needs."""
    nodes = [n for rule in rules if rule.how == "static" for n in _chosen(graph, rule)]
    tensors = {int(t) for node in nodes for t in (*node.inputs, *node.outputs) if t >= 0}
    return {t for t in tensors if graph.is_float(t) and not graph.constant(t)}


def _ranges(
    fp32: bytes, graph: Graph, watched: set[int], feeds: Feeds, part: str
) -> dict[str, tuple[float, float]]:
    """The lowest and highest value of each watched tensor over all feeds."""
    probe = TfliteReference(fp32, keep_tensors=True)
    observers = {tensor: MinMaxObserver() for tensor in sorted(watched)}
    samples = 0
    for feed in feeds:
        samples += 1
        probe.run(feed)
        for tensor, observer in observers.items():
            value = probe.interpreter.get_tensor(tensor)
            if not np.isfinite(value).all():
                raise DataError(
                    f"Calibration sample {samples} makes a value inside the part {part} infinite "
                    "or NaN; check the recording or picture behind it."
                )
            observer.update(value)
    if samples == 0:
        raise DataError(f"There is no calibration sample for the part {part}.")
    return {_name(graph, tensor): _usable(*seen.range()) for tensor, seen in observers.items()}


def _usable(low: float, high: float) -> tuple[float, float]:
    """A range with a scale: a value that is always zero would have none."""
    return (low, high) if low or high else (0.0, 1.0)


def _name(graph: Graph, tensor: Any) -> str:
    name: str = graph.tensors[int(tensor)].name.decode()
    return name

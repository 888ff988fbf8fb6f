"""ONNX graphs of the user's: checked, adapted to the front-ends, run; torch is not asked."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec
import onnx
import onnx.inliner
import onnx.version_converter

from edge_sdk.errors import CheckpointError, UsageError

from ..export.naming import rename_interface
from ..parts import PartSpec
from ..reference import Reference
from ..source import HEAD, Source
from ..wants import Want
from . import Origin
from .cut import dynamics, example_of
from .graph import adapt_graph
from .spec import Described, described
from .trial import check_width

# From 13 on weights can have a scale a channel; TensorRT 10.3 reads up to 20.
OLDEST, NEWEST = 13, 20
_RAISED = 18
_NAMES = {v: k.lower() for k, v in onnx.TensorProto.DataType.items()}


class OnnxSource:
    """Reads ``.onnx``."""

    description = "an ONNX graph (.onnx) with --spec"

    def matches(self, origin: Origin) -> bool:
        """A file called ``*.onnx``."""
        return origin.path is not None and origin.path.suffix == ".onnx"

    def read(self, origin: Origin) -> Source:
        """Read the graph; it cannot be cut any more."""
        told, path = described(origin), origin.path
        assert path is not None
        if told.spec.parts is not None:
            raise UsageError(
                f"{path} is one graph and cannot be cut: leave [parts] out of the spec, or "
                "convert the nn.Module with --model."
            )
        graph = _outputs_picked(_read(path), told, path)
        _check_inputs(graph, told.wants, path)
        part = _part(graph, told)
        _check_runs(part, told, path)
        content = graph.SerializeToString(deterministic=True)
        return Source(
            name=told.spec.name,
            digest=hashlib.sha256(told.encoded() + content).hexdigest(),
            frontends=told.frontends,
            heads=tuple(output.head for output in told.spec.outputs),
            parts=(part,),
        )


def _read(path: Path) -> onnx.ModelProto:
    try:
        graph = onnx.load(path)
        onnx.checker.check_model(graph)
    except Exception as error:  # the parser and the checker have many classes
        first = str(error).strip().splitlines() or [type(error).__name__]
        raise CheckpointError(f"{path} is damaged, or no valid ONNX graph: {first[0]}.") from error
    if graph.functions:
        graph = onnx.inliner.inline_local_functions(graph)
    versions = {entry.domain: entry.version for entry in graph.opset_import}
    foreign = sorted({node.domain for node in graph.graph.node} - {"", "ai.onnx"})
    if foreign:
        raise CheckpointError(
            f"{path} uses operators of {', '.join(foreign)}, which the engines do not share; "
            "export it with standard operators only."
        )
    version = versions.get("", versions.get("ai.onnx", 0))
    if version > NEWEST:
        raise CheckpointError(
            f"{path} has opset {version}; {OLDEST} to {NEWEST} can be shipped. Export it with "
            f"opset_version={_RAISED}."
        )
    if version < OLDEST:
        try:
            graph = onnx.version_converter.convert_version(graph, _RAISED)
        except Exception as error:
            raise CheckpointError(
                f"{path} has opset {version} and cannot be raised to {_RAISED}; export it with "
                f"opset_version={_RAISED}."
            ) from error
    initial = {tensor.name for tensor in graph.graph.initializer}
    kept = [value for value in graph.graph.input if value.name not in initial]
    del graph.graph.input[:]
    graph.graph.input.extend(kept)
    return graph


def _outputs_picked(graph: onnx.ModelProto, told: Described, path: Path) -> onnx.ModelProto:
    known = {value.name: value for value in graph.graph.output}
    picked: list[onnx.ValueInfoProto] = []
    for i, output in enumerate(told.spec.outputs):
        name = output.key
        if name is None:
            name = output.name if output.name in known else list(known)[min(i, len(known) - 1)]
        if name not in known or name in {value.name for value in picked}:
            raise UsageError(
                f"At outputs[{i}].key: {path} has the outputs {', '.join(known)}, "
                f"and {name!r} is none of them, or taken twice."
            )
        if known[name].type.tensor_type.elem_type != onnx.TensorProto.FLOAT:
            raise CheckpointError(f"The output {name} of {path} is not float32.")
        picked.append(known[name])
    del graph.graph.output[:]
    graph.graph.output.extend(picked)
    return graph


def _check_inputs(graph: onnx.ModelProto, wants: tuple[Want, ...], path: Path) -> None:
    values = {value.name: value for value in graph.graph.input}
    if set(values) != {want.name for want in wants}:
        raise UsageError(
            f"{path} takes {', '.join(values)}; the spec has the inputs "
            f"{', '.join(want.name for want in wants)}."
        )
    for i, want in enumerate(wants):
        tensor = values[want.name].type.tensor_type
        dtype = _NAMES[tensor.elem_type].replace("float", "float32")
        if dtype != want.dtype:
            raise UsageError(
                f"At inputs[{i}].dtype: {path} wants {dtype} for {want.name}, and the spec "
                f"gives {want.dtype}."
            )
        shape = [d.dim_param or d.dim_value for d in tensor.shape.dim]
        given = _given(want)
        fits = len(shape) == len(given) and all(
            isinstance(w, str) or w == 0 or w == g for w, g in zip(shape, given, strict=True)
        )
        if not fits:
            raise UsageError(
                f"At inputs[{i}].layout: {path} wants {shape} for {want.name}, and the spec "
                f"gives {['any' if size is None else size for size in given]}; change layout, "
                "length or the front-end's sizes."
            )


def _given(want: Want) -> list[int | None]:
    """The argument's shape; None is an axis of any length."""
    shape = list(want.shape)
    if want.axis is not None:
        shape[1] = want.length
    axes = [size for axis, size in enumerate(shape) if axis not in want.dropped]
    result = [axes[i] for i in want.order]
    for place in want.ones:
        result.insert(place, 1)
    return result


def _part(graph: onnx.ModelProto, told: Described) -> PartSpec:
    inputs = tuple(want.modality for want in told.wants)
    outputs = tuple(output.name for output in told.spec.outputs)
    # The user's own names first go out of the way of the modalities'.
    aside = {want.name: f"argument_{i}" for i, want in enumerate(told.wants)}
    old = [aside[value.name] for value in graph.graph.input]
    graph = rename_interface(graph, old, outputs)
    wants = [msgspec.structs.replace(want, name=aside[want.name]) for want in told.wants]
    return PartSpec(
        name=HEAD,
        graph=adapt_graph(graph, wants),
        example=tuple(example_of(want) for want in told.wants),
        inputs=inputs,
        outputs=outputs,
        **dynamics({want.modality: want for want in told.wants}),
    )


def _check_runs(part: PartSpec, told: Described, path: Path) -> None:
    """Run it at every length; the exporter's parity check would, without these sentences."""
    assert part.graph is not None
    runner = Reference(part.graph)
    for length, arguments in part.examples():
        feed = {n: a.numpy() for n, a in zip(part.inputs, arguments, strict=True)}
        try:
            outputs = runner.run(feed)
        except Exception as error:
            raise CheckpointError(
                f"{path} does not run at length {length}: {error} Set length or shortest in the "
                "spec, or bound the front-end (max_seconds, max_tokens)."
            ) from error
        for i, output in enumerate(told.spec.outputs):
            check_width(i, output, list(outputs[output.name].shape))

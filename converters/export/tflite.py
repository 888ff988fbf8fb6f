"""One part to one TFLite graph, held against torch at several lengths before anyone uses it.

TFLite has no dynamic axes, and its recurrent layers are unrolled: a part with an axis of any
length is exported at one length, beside an input ``length``. Shorter inputs are padded with zeros,
and the module's own masking or cutting makes the result the unpadded one (:mod:`.tflite_padding`).
"""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator, Mapping

import torch
from torch import Tensor, nn
from torch.fx import GraphModule

from edge_sdk.bundle.fixed_length import FixedLength
from edge_sdk.bundle.manifest import TensorSpec
from edge_sdk.bundle.tflite_note import TfliteNote
from edge_sdk.errors import ExportError

from ..parts import PartSpec
from .tflite_flatbuffer import finish, signature_of
from .tflite_gru import with_unrolled_grus
from .tflite_layout import with_flat_convolutions
from .tflite_masks import with_float_masks
from .tflite_padding import fixed_lengths, padded_arguments, padded_module
from .tflite_parity import check_tflite_parity, module_of
from .tflite_process import run_worker
from .tflite_worker import PROGRAM

#: Lengths that fit the reference parts: 4 s of audio, a spoken sentence.
SIZES: dict[str, int] = {"frames": 400, "tokens": 24}


def export_tflite(
    spec: PartSpec, *, sizes: Mapping[str, int] = SIZES, timeout: float | None = None
) -> bytes:
    """Export and verify one part in fp32.

    The file carries a description (:func:`edge_sdk.bundle.tflite_note.read_note`) with its inputs
    as the outside sees them and the :class:`FixedLength` of what is padded.

    Args:
        spec: the part; where it has axes of any length, its module takes ``lengths``, or is a
            :class:`~.tflite_padding.TakesPadding`.
        sizes: the length to export at, for each name of such an axis.
        timeout: seconds the converter may take.

    Raises:
        DependencyError: the TFLite tools are not installed.
        ExportError: the part cannot be expressed, the converter crashed or hung, or the graph
            gives other results than torch at one of the lengths.
    """
    part = module_of(spec)
    fixed = fixed_lengths(spec, part, sizes)
    program, masks = padded_program(spec, fixed)
    buffer = io.BytesIO()
    torch.export.save(_flat(spec, program, masks), buffer)
    try:
        content = run_worker("export", spec.name, {PROGRAM: buffer.getvalue()}, timeout=timeout)
    except ExportError as error:
        raise type(error)(f"{error}{_blame(program, str(error))}") from error
    graph = finish(content, _names(spec, content, fixed), _note(spec, part, fixed))
    check_tflite_parity(spec, graph)
    return graph


def padded_program(
    spec: PartSpec, fixed: tuple[FixedLength, ...]
) -> tuple[torch.export.ExportedProgram, bool]:
    """The part at fixed lengths, captured, and whether it makes masks of a float length.

    Its inputs are those of ``spec``, then the length of each that ``fixed`` pads.

    Raises:
        ExportError: it cannot be captured.
    """
    module, masks = padded_module(module_of(spec), fixed)
    return _program(spec, module.eval(), padded_arguments(spec, fixed, masks)), masks


def _program(
    spec: PartSpec, module: nn.Module, arguments: tuple[Tensor, ...]
) -> torch.export.ExportedProgram:
    with _export_errors(spec), _quiet(), torch.no_grad():
        return torch.export.export(module, arguments)


def _flat(
    spec: PartSpec, program: torch.export.ExportedProgram, masks: bool
) -> torch.export.ExportedProgram:
    arguments, _ = program.example_inputs
    with _export_errors(spec):
        module = program.module()
        assert isinstance(module, GraphModule)
        module = with_flat_convolutions(module)
        if masks:
            module = with_float_masks(module)
        module = with_unrolled_grus(module)
    return _program(spec, module, arguments)


def _names(spec: PartSpec, content: bytes, fixed: tuple[FixedLength, ...]) -> dict[str, str]:
    """From the converter's names (``args_0``, ``output_0``) to the part's."""
    inputs = (*spec.inputs, *(item.length for item in fixed))
    names = {f"args_{i}": name for i, name in enumerate(inputs)}
    names |= {f"output_{i}": name for i, name in enumerate(spec.outputs)}
    found_inputs, found_outputs = signature_of(content)
    if sorted([*found_inputs, *found_outputs]) != sorted(names):
        raise ExportError(
            f"The TFLite graph of the part {spec.name} has {len(found_inputs)} inputs and "
            f"{len(found_outputs)} outputs; expected: {', '.join(inputs)} to "
            f"{', '.join(spec.outputs)}. Does the module use every input?"
        )
    return names


def _note(spec: PartSpec, part: nn.Module, fixed: tuple[FixedLength, ...]) -> TfliteNote:
    with torch.no_grad():
        made = part(*spec.example)
    made = made if isinstance(made, tuple) else (made,)
    inputs = []
    for name, value in zip(spec.inputs, spec.example, strict=True):
        shape: list[int | str] = list(value.shape)
        for item in fixed:
            if name == item.input:
                shape[item.axis] = spec.dynamic[name][1]
        inputs.append(TensorSpec(name=name, dtype=_dtype(value), shape=tuple(shape)))
    outputs = tuple(
        TensorSpec(name=name, dtype=_dtype(value), shape=tuple(value.shape))
        for name, value in zip(spec.outputs, made, strict=True)
    )
    return TfliteNote(inputs=tuple(inputs), outputs=outputs, fixed=fixed)


def _dtype(value: Tensor) -> str:
    return str(value.dtype).removeprefix("torch.")


def _blame(program: torch.export.ExportedProgram, message: str) -> str:
    """Which layers use the operator that ``message`` names; empty if it names none of theirs."""
    layers: list[str] = []
    for node in program.graph.nodes:
        if node.op == "call_function" and str(node.target) in message:
            stack = list(node.meta.get("nn_module_stack", {}).values())
            path = str(stack[-1][0]).removeprefix("part").strip(".") if stack else ""
            if path and path not in layers:
                layers.append(path)
    if not layers:
        return ""
    places = f"{', '.join(layers[:5])}{' and others' if len(layers) > 5 else ''}"
    return f" It is used in {places}: write that with other operators, or leave TFLite out."


@contextlib.contextmanager
def _export_errors(spec: PartSpec) -> Iterator[None]:
    """The exporter raises whatever its many stages raise."""
    try:
        yield
    except Exception as error:
        reason = [line for line in str(error).strip().splitlines() if line.strip()]
        raise ExportError(
            f"The part {spec.name} cannot be exported for TFLite: "
            f"{reason[0] if reason else type(error).__name__}."
        ) from error


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """The exporter warns about torch's own internals."""
    logger = logging.getLogger("torch.export")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)

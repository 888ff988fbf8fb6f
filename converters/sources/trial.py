"""A part is run before it is exported: what is wrong with the model or the spec shows here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import torch

from edge_sdk.errors import CheckpointError, EdgeError

from ..blame import blame
from ..parts import PartSpec
from ..spec import OutputSpec

# How far to look for a length at which a part runs.
_LOOK = 128


def check_runs(part: PartSpec) -> None:
    """Run the module at the usual and at every other length.

    Raises:
        CheckpointError: it does not run, or gives no float32; the sentence names the layer.
    """
    given = ", ".join(
        f"{name} {list(value.shape)}" for name, value in zip(part.inputs, part.example, strict=True)
    )
    error = _attempt(part, part.example)
    if error is not None:
        raise CheckpointError(
            f"The part {part.name} does not run on {given} (the features, before the layout of "
            f"the spec): {error}."
        )
    for length, arguments in part.examples():
        error = _attempt(part, arguments)
        if error is None:
            continue
        axis = " and ".join(name for _, name in part.dynamic.values())
        raise CheckpointError(
            f"The part {part.name} runs at the usual number of {axis} but not at {length}: "
            f"{error}. {_remedy(part, length)}"
        )


def check_outputs(part: PartSpec, outputs: Sequence[OutputSpec]) -> None:
    """Hold what the head gives against the spec.

    Raises:
        CheckpointError: a count of values does not fit the labels.
    """
    assert part.module is not None
    with torch.no_grad():
        results = part.module(*part.example)
    for i, (output, result) in enumerate(zip(outputs, results, strict=True)):
        check_width(i, output, list(result.shape))


def check_width(i: int, output: OutputSpec, shape: Sequence[int]) -> None:
    """Hold the shape of one output against its labels; see :func:`check_outputs`."""
    wanted = 1 if output.task == "binary" else len(output.labels)
    count = 1
    for size in shape:
        count *= size
    if count != wanted or (shape and shape[-1] != wanted):
        raise CheckpointError(
            f"At outputs[{i}]: the model gives {list(shape)} for {output.name!r}, and a "
            f"{output.task} answer with {len(output.labels)} labels is {wanted} "
            f"value{'s' if wanted > 1 else ''}."
        )


def _attempt(part: PartSpec, arguments: tuple[torch.Tensor, ...]) -> str | None:
    module = part.module
    assert module is not None
    try:
        with torch.no_grad():
            results: Any = module(*arguments)
    except EdgeError:
        raise
    except Exception as error:  # the user's own code may raise anything
        return blame(error, module)
    results = results if isinstance(results, tuple) else (results,)
    for result in results:
        if result.dtype != torch.float32:
            return f"it gives {str(result.dtype).removeprefix('torch.')} instead of float32"
        if not torch.isfinite(result).all():
            return "it gives NaN or infinity"
    return None


def _remedy(part: PartSpec, length: int) -> str:
    usual = max(value.shape[axis] for value, (axis, _) in _moving(part))
    if length > usual:
        return (
            "Bound what the front-end gives (frontend.max_seconds, frontend.max_tokens), or set "
            "length in the spec: it cuts and pads."
        )
    for shortest in range(length + 1, _LOOK):
        spans = {n: (max(low, shortest), high) for n, (low, high) in part.spans.items()}
        if any(low > high for low, high in spans.values()):
            break
        tried = msgspec.structs.replace(part, spans=spans, lengths=(shortest,))
        if all(_attempt(tried, arguments) is None for _, arguments in tried.examples()):
            return f"It runs from {shortest} on: set shortest = {shortest} in the spec, or length."
    return "Set length in the spec: it pads and cuts to what the model takes."


def _moving(part: PartSpec) -> list[tuple[torch.Tensor, tuple[int, str]]]:
    return [
        (value, part.dynamic[name])
        for name, value in zip(part.inputs, part.example, strict=True)
        if name in part.dynamic
    ]

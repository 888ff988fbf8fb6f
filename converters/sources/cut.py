"""A module of the user's and its spec -> parts, cut where the spec says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import torch
from torch import Tensor, nn

from edge_sdk.errors import CheckpointError, UsageError

from ..parts import PartSpec, StepSpec
from ..source import HEAD
from ..wants import Want
from .adapt import Answering, Encoder, EncoderStep, Method
from .spec import Described
from .trial import check_outputs, check_runs

MASK = "mask"
_USUAL = {"audio": 200, "text": 12}
# Lengths to hold graphs against torch at, beside the shortest and the longest.
_LENGTHS = (7, 61, 300)


def cut(model: nn.Module, told: Described) -> tuple[PartSpec, ...]:
    """The parts of ``model``: encoders in the order of the modalities, then the head.

    Raises:
        UsageError: the spec names a part that the model does not have.
        CheckpointError: a part does not run, or does not give what the spec says.
    """
    spec = told.spec
    wants: dict[str, Want] = {want.modality: want for want in told.wants}
    keys = [output.key for output in spec.outputs]
    outputs = tuple(output.name for output in spec.outputs)
    names = [want.name for want in told.wants]
    if spec.parts is None:
        head = Answering(model, told.wants, keys, names)
        part = _part(HEAD, head, told.wants, [w.modality for w in told.wants], outputs)
        check_outputs(part, spec.outputs)
        return (part,)
    parts = []
    embeddings: dict[str, Tensor] = {}
    for modality in told.frontends.modalities:
        want = wants[modality]
        if want.name not in spec.parts.encoders:
            continue
        path, _, key = spec.parts.encoders[want.name].partition(":")
        inner = _find(model, path, f"parts.encoders.{want.name}")
        part = _part(modality, Encoder(want, inner, key or None), [want], ["features"], ())
        part = _with_step(model, part, want, told, key or None)
        with torch.no_grad():
            embeddings[modality] = part.module(*part.example) if part.module else Tensor()
        parts.append(part)
    order = told.frontends.modalities
    left = [None if w.modality in embeddings else w for w in told.wants]
    mask = [order.index(w.modality) for w in told.wants] if spec.parts.mask else []
    inner = _find(model, spec.parts.head, "parts.head")
    answering = Answering(inner, left, keys, mask=mask)
    given = [embeddings.get(want.modality, want) for want in told.wants]
    inputs = [want.modality for want in told.wants] + ([MASK] if mask else [])
    example = [*given, torch.ones(1, len(order))] if mask else given
    parts.append(_part(HEAD, answering, example, inputs, outputs))
    check_outputs(parts[-1], spec.outputs)
    return tuple(parts)


def _with_step(
    model: nn.Module, part: PartSpec, want: Want, told: Described, key: str | None
) -> PartSpec:
    """The part with the user's own step, where the spec names one."""
    parts = told.spec.parts
    told_step = parts.streaming.get(want.name) if parts else None
    if told_step is None:
        return part
    inner = _find(model, told_step.step, f"parts.streaming.{want.name}.step")
    step = StepSpec(
        module=EncoderStep(want, inner, key).eval(),
        frames=told_step.frames,
        states=told_step.states,
        own=True,
    )
    part = msgspec.structs.replace(part, step=step)
    stepped = part.stepped()
    assert stepped is not None
    check_runs(stepped)
    return part


def _part(
    name: str,
    module: nn.Module,
    given: Sequence[Want | Tensor],
    inputs: Sequence[str],
    outputs: tuple[str, ...],
) -> PartSpec:
    part = PartSpec(
        name=name,
        module=module.eval(),
        example=tuple(x if isinstance(x, Tensor) else example_of(x) for x in given),
        inputs=tuple(inputs),
        outputs=outputs or ("embedding",),
        **dynamics({n: w for n, w in zip(inputs, given, strict=True) if isinstance(w, Want)}),
    )
    check_runs(part)
    return part


def dynamics(wants: dict[str, Want]) -> dict[str, Any]:
    """The fields ``dynamic``, ``lengths`` and ``spans`` of a part with these inputs."""
    moving = {n: w for n, w in wants.items() if w.moving}
    if not moving:
        return {}
    spans = {name: (want.shortest, want.longest) for name, want in moving.items()}
    shortest = min(low for low, _ in spans.values())
    longest = max(high for _, high in spans.values())
    inside = {n for n in _LENGTHS if shortest < n < longest}
    return {
        "dynamic": {name: (1, str(want.axis)) for name, want in moving.items()},
        "lengths": tuple(sorted({shortest, longest} | inside)),
        "spans": spans,
    }


def example_of(want: Want) -> Tensor:
    """Features of the shape that the front-end gives, at a usual length."""
    if want.modality == "text":
        count = min(max(_USUAL["text"], want.shortest), want.longest)
        ids = torch.arange(count).remainder(want.ids)[None]
        ids[0, -1] = want.ids - 1
        return ids
    usual = min(max(_USUAL.get(want.modality, 1), want.shortest), want.longest)
    shape = [usual if size is None else size for size in want.shape]
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


def _find(model: nn.Module, path: str, place: str) -> nn.Module:
    """The submodule or method at a dotted path, as a module."""
    owner: Any = model
    found: Any = model
    for name in path.split("."):
        owner = found
        try:
            found = owner[int(name)] if name.isdigit() else getattr(owner, name)
        except (AttributeError, IndexError, TypeError, KeyError) as error:
            known = ", ".join(n for n, _ in model.named_children())
            raise UsageError(
                f"The model spec is wrong: at {place}: {type(model).__name__} has no {path!r}; "
                f"its own modules are {known}."
            ) from error
    if isinstance(found, nn.Module):
        return found
    if not callable(found) or not isinstance(owner, nn.Module):
        raise CheckpointError(f"{place}: {path!r} of the model is no module and no method.")
    return Method(owner, path.rpartition(".")[2])

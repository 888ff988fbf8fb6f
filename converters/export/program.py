"""A module's graph by way of its program, as :func:`torch.export.export` captures it."""

from __future__ import annotations

import inspect
from typing import Any

import onnx
import torch
from torch import nn

from edge_sdk.errors import ExportError

from ..parts import PartSpec
from .operators import FUSED, TRANSLATIONS
from .opset import OPSET
from .quiet import quiet
from .recurrent import with_fused_recurrence
from .why import why_not_captured, why_not_translated


def from_program(spec: PartSpec, module: nn.Module) -> onnx.ModelProto:
    """Capture the module as a program, and the program as a graph.

    Raises:
        ExportError: one of the two failed; it names the layer.
    """
    module = with_fused_recurrence(module, FUSED).eval()
    try:
        with quiet(), torch.no_grad():
            program = torch.export.export(
                module,
                spec.example,
                dynamic_shapes=_dynamic_shapes(spec, module),
                strict=False,
                # Code that only treats a length of 1 apart is no reason to refuse the others:
                # check_parity has the last word.
                prefer_deferred_runtime_asserts_over_guards=True,
            )
    except Exception as error:  # torch raises whatever its many stages raise
        raise ExportError(why_not_captured(spec.name, error, module)) from error
    try:
        with quiet(), torch.no_grad():
            found = torch.onnx.export(
                program,
                opset_version=OPSET,
                custom_translation_table=TRANSLATIONS,
                dynamo=True,
                verbose=False,
            )
    except Exception as error:
        raise ExportError(why_not_translated(spec.name, error, program)) from error
    assert found is not None
    return found.model_proto


def _dynamic_shapes(spec: PartSpec, module: nn.Module) -> Any:
    """What :func:`torch.export.export` wants: for each argument its axis of any length."""
    if not spec.dynamic:
        return None
    shapes = tuple(_dynamic_shape(spec, name) for name in spec.inputs)
    # A forward with *arguments has one parameter, with all of the shapes.
    parameters = inspect.signature(module.forward).parameters.values()
    packed = any(p.kind is inspect.Parameter.VAR_POSITIONAL for p in parameters)
    return (shapes,) if packed else shapes


def _dynamic_shape(spec: PartSpec, name: str) -> dict[int, Any] | None:
    # Without bounds: code that treats some length apart, 1 above all, narrows what was captured
    # and is no reason to refuse the rest. check_parity has the last word at every length.
    return {spec.dynamic[name][0]: torch.export.Dim.DYNAMIC} if name in spec.dynamic else None

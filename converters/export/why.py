"""Why a part cannot be exported: the operator, the user's layer it came from, what helps."""

from __future__ import annotations

import re
from collections.abc import Iterator

from torch import nn
from torch.export import ExportedProgram
from torch.fx import Node

from ..blame import blame, named
from .remedies import remedy

_TARGET = re.compile(r"target=(?:torch\.ops\.)?([\w.:]+)")


def why_not_captured(part: str, error: Exception, module: nn.Module) -> str:
    """The sentence for a module whose code torch.export cannot follow."""
    message = str(error)
    violated = re.search(r"Constraints violated.*?^\s+- (.+?)$", message, re.M | re.S)
    what = violated[1] if violated else blame(error, module)
    return f"The part {part} cannot be exported: {what.rstrip('.')}. {remedy(message)}"


def why_not_translated(part: str, error: BaseException, program: ExportedProgram) -> str:
    """The sentence for a program with an operator that has no ONNX form."""
    messages = [str(link) for link in _chain(error)]
    targets = [found[1] for found in map(_TARGET.search, messages) if found]
    reason = messages[-1].strip().splitlines()
    first = reason[0].rstrip(".") if reason else type(error).__name__
    if not targets:
        return f"The part {part} cannot be exported to ONNX: {first}. {remedy(first)}"
    operator = targets[-1]
    layer = _layer(operator, program)
    return (
        f"The part {part} cannot be exported to ONNX: the operator {operator}"
        f"{f', in {layer},' if layer else ''} is not supported ({_short(first)}). "
        f"{remedy(operator)}"
    )


def _layer(operator: str, program: ExportedProgram) -> str | None:
    """The layer of the first node with this operator, before or after decomposition."""
    for node in _nodes(program):
        if str(node.target).removeprefix("torch.ops.") != operator:
            continue
        stack = list((node.meta.get("nn_module_stack") or {}).values())
        if stack:
            path, kind = stack[-1]
            kind = kind if isinstance(kind, str) else kind.__name__
            return named(path, kind.rpartition(".")[2])
    return None


def _nodes(program: ExportedProgram) -> Iterator[Node]:
    yield from program.graph.nodes
    yield from program.run_decompositions().graph.nodes


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__


def _short(message: str) -> str:
    found = re.search(r"Failure message: (.+)", message)
    return found[1] if found else message

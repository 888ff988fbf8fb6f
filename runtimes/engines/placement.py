"""Where the nodes of a loaded graph run, as an engine itself tells it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

import msgspec

#: Between floats and integers: what these take is no sign of where the work around them is done.
CONVERSIONS = {"QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", "Cast",
               "QUANTIZE", "DEQUANTIZE", "CAST", "DELEGATE"}  # fmt: skip


class Node(NamedTuple):
    """One node as it runs: its provider, its operator, and the types of what it takes."""

    provider: str
    operator: str
    dtypes: frozenset[str]


class Placement(msgspec.Struct, frozen=True, kw_only=True):
    """Where the nodes of a graph run, after the engine's own optimisations.

    Attributes:
        nodes: by provider (or delegate), how many of each operator it runs. A provider with
            nothing in it runs the graph without telling its nodes.
        in_float: by operator, how many nodes compute in floats: they take floats and nothing of
            8 bits. Conversions between floats and integers are not among them.
    """

    nodes: dict[str, dict[str, int]]
    in_float: dict[str, int]

    @property
    def total(self) -> int:
        """How many nodes there are."""
        return sum(sum(operators.values()) for operators in self.nodes.values())

    def beside(self, provider: str) -> dict[str, dict[str, int]]:
        """What runs elsewhere than on ``provider`` (see :func:`is_called`)."""
        return {
            name: operators
            for name, operators in self.nodes.items()
            if not is_called(name, provider)
        }


def is_called(provider: str, name: str) -> bool:
    """Whether ``name`` means ``provider``, in any case; a version behind it may be left out."""
    full, wanted = provider.casefold(), name.casefold()
    return wanted in (full, full.split(" ")[0])


def placement(nodes: Iterable[Node]) -> Placement:
    """Nodes counted."""
    seen: dict[str, Counter[str]] = {}
    in_float: Counter[str] = Counter()
    for node in nodes:
        seen.setdefault(node.provider, Counter())[node.operator] += 1
        if _computes_in_float(node):
            in_float[node.operator] += 1
    return Placement(
        nodes={name: dict(sorted(found.items())) for name, found in sorted(seen.items())},
        in_float=dict(sorted(in_float.items())),
    )


def _computes_in_float(node: Node) -> bool:
    if node.operator in CONVERSIONS or node.operator.startswith("DynamicQuantize"):
        # The latter take floats and multiply integers; their packed weights are not listed.
        return False
    floats = {"float", "float16", "float32"}
    return bool(node.dtypes & floats) and not node.dtypes & {"int8", "uint8"}

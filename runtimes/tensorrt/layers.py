"""The layers of a built engine, as the build's verbose log lists them.

The list is there without a GPU, which the engine inspector is not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

_LINE = re.compile(r"^Name: (?P<name>.*?), LayerType: (?P<kind>[^,]+),")
_NODE = re.compile(r"\[ONNX Layer: ([^\]]+)\]")
_DTYPE = re.compile(r"Datatype: (\w+)")


class Layer(msgspec.Struct, frozen=True, kw_only=True):
    """One layer of an engine.

    Attributes:
        name: TensorRT's name.
        kind: its type (``correlation``, ``gemm``, ``kgen``, ...).
        inputs: data types of the inputs (``Float``, ``Half``, ``Int8``, ...).
        constants: data types of the constants.
        nodes: the ONNX nodes it computes, in full or in part.
    """

    name: str
    kind: str
    inputs: tuple[str, ...]
    constants: tuple[str, ...]
    nodes: tuple[str, ...]


def layers_of(log: Iterable[str]) -> tuple[Layer, ...]:
    """The layers that a verbose build log lists; empty if it lists none."""
    lists = [message for message in log if message.startswith("Layers:")]
    lines = lists[-1].splitlines()[1:] if lists else []
    found = []
    for line in lines:
        match = _LINE.match(line)
        if match:
            found.append(
                Layer(
                    name=match["name"],
                    kind=match["kind"],
                    inputs=_dtypes(line, "Inputs: ["),
                    constants=_dtypes(line, "Constants: ["),
                    nodes=tuple(_NODE.findall(line)),
                )
            )
    return tuple(found)


def _dtypes(line: str, start: str) -> tuple[str, ...]:
    """The data types in the bracketed list that begins with ``start``."""
    begin = line.find(start)
    if begin < 0:
        return ()
    depth, end = 1, begin + len(start)
    while end < len(line) and depth:
        depth += {"[": 1, "]": -1}.get(line[end], 0)
        end += 1
    return tuple(_DTYPE.findall(line[begin:end]))

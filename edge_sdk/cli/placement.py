"""How commands show where the parts of a bundle ran."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .output import table

if TYPE_CHECKING:
    from edge_sdk.runtimes.placement import PartPlacement


def placement_table(found: list[PartPlacement]) -> str:
    """One line a part: provider, nodes, what runs elsewhere, and what an int8 graph left float."""
    rows: list[tuple[str, ...]] = [
        ("part", "precision", "provider", "nodes", "elsewhere", "in float")
    ]
    for one in found:
        if one.placement is None:
            cells = ("", "the engine cannot tell", "")
        elif not one.placement.total:
            cells = ("", "nothing", "")
        else:
            strays = [f"{_spelled(ops)} on {name}" for name, ops in one.elsewhere.items()]
            left = _spelled(one.placement.in_float) if one.precision.startswith("int8") else ""
            cells = (str(one.placement.total), "; ".join(strays) or "nothing", left)
        rows.append((one.part, one.precision, one.provider, *cells))
    return table(rows)


def plain_placement(one: PartPlacement) -> dict[str, object]:
    """A part's placement for ``--json``."""
    told = one.placement
    return {
        "part": one.part,
        "engine": one.engine,
        "precision": one.precision,
        "provider": one.provider,
        "nodes": None if told is None else told.nodes,
        "in_float": None if told is None else told.in_float,
        "elsewhere": None if told is None else sum(sum(o.values()) for o in one.elsewhere.values()),
    }


def _spelled(operators: dict[str, int]) -> str:
    return ", ".join(f"{count} {operator}" for operator, count in operators.items())

"""Shapes held against the ranges that a compiled engine accepts."""

from __future__ import annotations

from .manifest import ShapeRange

Shape = tuple[int, ...]


def problem(shapes: ShapeRange) -> str | None:
    """What is wrong with a range itself, as a clause; None for a sound one."""
    name, low, best, high = shapes.input, shapes.smallest, shapes.usual, shapes.largest
    if not len(low) == len(best) == len(high):
        return f"the shapes of {name} have different ranks"
    for axis, (a, b, c) in enumerate(zip(low, best, high, strict=True)):
        if not 1 <= a <= b <= c:
            return (
                f"the shapes of {name} must be 1 <= smallest <= usual <= largest along axis "
                f"{axis}, not {a}, {b}, {c}"
            )
    return None


def refusal(shapes: ShapeRange, shape: Shape) -> str | None:
    """Why ``shape`` is outside the range, as a clause; None if it is inside."""
    if len(shape) != len(shapes.smallest):
        return f"{shapes.input} has {len(shapes.smallest)} axes, not {len(shape)}"
    for axis, (low, size, high) in enumerate(
        zip(shapes.smallest, shape, shapes.largest, strict=True)
    ):
        if not low <= size <= high:
            return f"{shapes.input} may have {low} to {high} along axis {axis}, not {size}"
    return None

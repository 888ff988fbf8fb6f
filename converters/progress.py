"""How a conversion says how far it is."""

from __future__ import annotations

from collections.abc import Callable

# Called with the stage, what is done and what is to do.
Progress = Callable[[str, int, int], None]


def silent(stage: str, done: int, total: int) -> None:
    """Say nothing."""

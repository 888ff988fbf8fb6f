"""Checkpoint to bundle, on the build host: the only room with torch."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .pipeline import Outcome, convert, convert_targets
    from .report import ConversionReport

__all__ = ["ConversionReport", "Outcome", "convert", "convert_targets"]


_HOMES = {
    "ConversionReport": "report",
    "Outcome": "pipeline",
    "convert": "pipeline",
    "convert_targets": "pipeline",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f".{_HOMES[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

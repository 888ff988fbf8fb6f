"""Checkpoint to bundle, on the build host: the only room with torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .pipeline import convert
    from .report import ConversionReport

__all__ = ["ConversionReport", "convert"]


def __getattr__(name: str) -> Any:
    if name == "convert":
        from .pipeline import convert

        return convert
    if name == "ConversionReport":
        from .report import ConversionReport

        return ConversionReport
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

"""Edge SDK: take a trained audio + camera + text fusion model to edge devices.

Names are imported when they are first used, so that ``import edge_sdk`` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edge_sdk.runtimes.session import FusionSession

    from .bundle import Bundle
    from .targets import load_target

__all__ = ["Bundle", "FusionSession", "load_target"]

_HOMES = {
    "Bundle": "edge_sdk.bundle",
    "FusionSession": "edge_sdk.runtimes.session",
    "load_target": "edge_sdk.targets",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

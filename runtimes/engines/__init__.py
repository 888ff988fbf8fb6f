"""The engines that are installed here, found by the entry-point group ``edge_sdk.engines``."""

from __future__ import annotations

from importlib.metadata import entry_points

from edge_sdk.errors import EngineError, UsageError

from .protocol import Engine, EngineOptions, Executable

__all__ = ["Engine", "EngineOptions", "Executable", "engine_names", "graphs_of", "load_engine"]

GROUP = "edge_sdk.engines"


def engine_names() -> tuple[str, ...]:
    """The names of all registered engines, installed or not."""
    return tuple(sorted(entry.name for entry in entry_points(group=GROUP)))


def graphs_of(name: str) -> str:
    """The engine whose graphs the engine called ``name`` runs: itself, or what it stands in for.

    Raises:
        UsageError: no engine of this name is registered.
        EngineError: its module cannot be imported.
    """
    return getattr(load_engine(name), "stands_in_for", name)


def load_engine(name: str) -> Engine:
    """The engine called ``name``.

    Raises:
        UsageError: no engine of this name is registered.
        EngineError: its module cannot be imported.
    """
    found = [entry for entry in entry_points(group=GROUP) if entry.name == name]
    if not found:
        raise UsageError(f"There is no engine {name!r}; known: {', '.join(engine_names())}.")
    try:
        engine: Engine = found[0].load()()
    except ImportError as error:
        raise EngineError(f"The engine {name} cannot be loaded: {error}.") from error
    return engine

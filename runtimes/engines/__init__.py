"""The engines that are installed here, found by the entry-point group ``edge_sdk.engines``."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import entry_points

from edge_sdk.errors import EngineError, UsageError

from .protocol import Engine, EngineOptions, Executable

__all__ = ["Engine", "EngineOptions", "Executable", "choose_engine", "engine_names", "load_engine"]

GROUP = "edge_sdk.engines"


def engine_names() -> tuple[str, ...]:
    """The names of all registered engines, installed or not."""
    return tuple(sorted(entry.name for entry in entry_points(group=GROUP)))


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


def choose_engine(wanted: str, offered: Sequence[str]) -> Engine:
    """The engine to run a bundle whose graphs are ``offered`` for, in order of preference.

    ``auto`` takes the first that is installed; a name takes that one or fails.

    Raises:
        UsageError: the name is unknown.
        EngineError: the bundle has no graph for it, or it is not installed.
    """
    if wanted != "auto":
        engine = load_engine(wanted)
        if wanted not in offered:
            raise EngineError(
                f"The bundle has no graphs for the engine {wanted}; it has {', '.join(offered)}."
            )
        engine.version()
        return engine
    missing: list[str] = []
    for name in offered:
        try:
            engine = load_engine(name)
            engine.version()
        except (UsageError, EngineError) as error:
            missing.append(str(error))
            continue
        return engine
    raise EngineError(
        "No engine that this bundle has graphs for is installed here. " + " ".join(missing)
    )

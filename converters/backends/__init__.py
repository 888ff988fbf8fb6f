"""Backends: one an engine, found by the entry-point group ``edge_sdk.backends``."""

from __future__ import annotations

from importlib.metadata import entry_points

from edge_sdk.errors import DependencyError, UsageError

from .protocol import Artefact, Backend, PartWork, Runner, StreamForm

__all__ = ["Artefact", "Backend", "PartWork", "Runner", "StreamForm", "load_backend"]

GROUP = "edge_sdk.backends"


def load_backend(engine: str) -> Backend:
    """The backend that makes artefacts for ``engine``.

    Raises:
        UsageError: there is none of this name.
        DependencyError: its packages are not installed.
    """
    found = {entry.name: entry for entry in entry_points(group=GROUP)}
    if engine not in found:
        known = ", ".join(sorted(found))
        raise UsageError(f"Nothing here converts for the engine {engine!r}; known: {known}.")
    try:
        backend: Backend = found[engine].load()()
    except ImportError as error:
        raise DependencyError(
            f"Converting for {engine} needs a package that is not installed ({error.name}): "
            "pip install 'edge-sdk[convert]'."
        ) from error
    return backend

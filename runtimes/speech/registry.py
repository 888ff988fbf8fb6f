"""The speech back ends that are registered, by kind and name."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from importlib.metadata import entry_points
from typing import Any

from edge_sdk.errors import DependencyError, UsageError

#: Entry-point groups by kind. An entry is a class; its arguments are the back end's options.
KINDS = {
    "wake": "edge_sdk.wake_words",
    "vad": "edge_sdk.voice_detectors",
    "recogniser": "edge_sdk.recognisers",
    "echo canceller": "edge_sdk.echo_cancellers",
    "voice": "edge_sdk.voices",
}


def component_names(kind: str) -> tuple[str, ...]:
    """The names of all back ends of a kind (a key of :data:`KINDS`), installed or not."""
    return tuple(sorted(entry.name for entry in entry_points(group=KINDS[kind])))


def load_component(kind: str, name: str, options: Mapping[str, Any] | None = None) -> Any:
    """The back end ``name`` of a kind, made with its ``options``.

    Raises:
        UsageError: no such back end, or an option it does not have.
        DependencyError: its package is missing; the sentence has the command that installs it.
        InputError: a file that an option names cannot be used.
    """
    found = [entry for entry in entry_points(group=KINDS[kind]) if entry.name == name]
    if not found:
        known = ", ".join(component_names(kind))
        raise UsageError(f"There is no {kind} called {name!r}; known: {known}.")
    try:
        make = found[0].load()
    except ImportError as error:
        raise DependencyError(f"The {kind} {name} cannot be loaded: {error}.") from error
    options = dict(options or {})
    known_options = inspect.signature(make).parameters
    for option in options:
        if option not in known_options:
            offered = ", ".join(known_options) or "none"
            raise UsageError(f"The {kind} {name} has no option {option!r}; it has: {offered}.")
    return make(**options)

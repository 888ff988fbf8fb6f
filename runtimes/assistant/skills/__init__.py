"""The skills that are registered, by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib.metadata import entry_points

from edge_sdk.errors import UsageError

from ..turn import Skill

GROUP = "edge_sdk.skills"
#: Stays silent, whatever was said.
SILENT = "not-for-me"


def skill_names() -> tuple[str, ...]:
    """The names of all registered skills."""
    return tuple(sorted(entry.name for entry in entry_points(group=GROUP)))


def skills_for(intents: Iterable[str], names: Mapping[str, str]) -> dict[str, tuple[str, Skill]]:
    """The skill of each intent with its name: that of ``names``, else the one called as the intent.

    Raises:
        UsageError: an intent has no skill, or a skill cannot be loaded.
    """
    known = {entry.name: entry for entry in entry_points(group=GROUP)}
    found: dict[str, tuple[str, Skill]] = {}
    for intent in intents:
        name = names.get(intent, intent)
        if name not in known:
            raise UsageError(
                f"The intent {intent!r} has no skill called {name!r}: give it one in [intents] of "
                f"the configuration ({', '.join(sorted(known))}), or install one."
            )
        try:
            found[intent] = (name, known[name].load())
        except (ImportError, AttributeError) as error:
            raise UsageError(f"The skill {name} cannot be loaded: {error}.") from error
    return found

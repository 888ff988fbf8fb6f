"""Target profiles: one TOML file a board beside this module, or a user's own."""

from __future__ import annotations

import difflib
from importlib import resources
from pathlib import Path

import msgspec

from ..errors import UsageError
from ..files import is_file
from .local import detect_local
from .profile import Budgets, Int8Scheme, Precision, TargetProfile
from .standing import stands_for

__all__ = [
    "Budgets",
    "Int8Scheme",
    "Precision",
    "TargetProfile",
    "detect_local",
    "load_target",
    "stands_for",
    "target_names",
]


def target_names() -> tuple[str, ...]:
    """The names :func:`load_target` knows, ``local`` first."""
    files = (entry.name for entry in resources.files(__name__).iterdir())
    return ("local", *sorted(name[:-5] for name in files if name.endswith(".toml")))


def load_target(name: str | Path) -> TargetProfile:
    """The profile called ``name``, or the one in a ``.toml`` file.

    Raises:
        UsageError: no such target (the nearest names are suggested), or a malformed file.
    """
    name = str(name)
    if name == "local":
        return detect_local()
    if name.endswith(".toml"):
        path = Path(name)
        if not is_file(path):
            raise UsageError(f"There is no target profile at {path}.")
        return _parse(path.read_bytes(), str(path))
    known = target_names()
    if name not in known:
        near = difflib.get_close_matches(name, known, n=2, cutoff=0.5)
        hint = f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(known)}."
        raise UsageError(f"There is no target {name!r}; {hint}")
    return _parse(resources.files(__name__).joinpath(f"{name}.toml").read_bytes(), name)


def _parse(content: bytes, where: str) -> TargetProfile:
    try:
        return msgspec.toml.decode(content, type=TargetProfile)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"The target profile {where} is malformed: {error}.") from error

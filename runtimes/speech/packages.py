"""Packages that bring back ends and weights: the sentence where one is missing, and pins."""

from __future__ import annotations

import hashlib
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

from edge_sdk.errors import DependencyError


def require(module: str, install: str) -> ModuleType:
    """Import ``module``.

    Raises:
        DependencyError: it is not installed; ``install`` is the command that does.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise DependencyError(f"{module} is missing: {install}.") from error


def packaged(module: str, file: str, sha256: str, install: str) -> Path:
    """A file of weights inside an installed package, which is not imported.

    Raises:
        DependencyError: the package is missing, or its file is not the one that was checked.
    """
    spec = find_spec(module)
    if spec is None or not spec.submodule_search_locations:
        raise DependencyError(f"The weights of {module} are missing: {install}.")
    path = Path(next(iter(spec.submodule_search_locations))) / file
    if not path.is_file():
        raise DependencyError(f"{path} is missing; install it again: {install}.")
    digest = _digest(path)
    if digest != sha256:
        raise DependencyError(
            f"{path} is not the file that this version was checked with (SHA-256 {digest[:12]}..., "
            f"not {sha256[:12]}...): {install}."
        )
    return path


def _digest(path: Path) -> str:
    total = hashlib.sha256()
    with path.open("rb") as content:
        while block := content.read(1 << 20):
            total.update(block)
    return total.hexdigest()

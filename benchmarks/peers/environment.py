"""The environments of the peers, each made by ``scripts/peer_environment.sh`` and kept."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from edge_sdk.errors import DependencyError

ROOT = Path(__file__).resolve().parents[2]
_SCRIPT = ROOT / "scripts" / "peer_environment.sh"
_REQUIREMENTS = Path(__file__).with_name("requirements")


def python_of(name: str | None, folder: Path) -> str:
    """The interpreter of an environment below ``folder``; it is made where it is not there.

    ``None`` is the project's own.

    Raises:
        DependencyError: its packages cannot be installed.
    """
    if name is None:
        return sys.executable
    home = folder / name
    requirements = _REQUIREMENTS / f"{name}.txt"
    command = ["sh", str(_SCRIPT), sys.executable, str(requirements), str(home)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:]
        raise DependencyError(
            f"The environment of {name} could not be made from {requirements.name}: "
            f"{' '.join(last) or 'it said nothing.'}"
        )
    return str(home / "bin" / "python")


def versions_of() -> dict[str, str]:
    """By environment, the packages that its file names first."""
    found = {}
    for path in sorted(_REQUIREMENTS.glob("*.txt")):
        first = path.read_text().partition("\n\n")[0].splitlines()
        named = [line.replace("==", " ") for line in first if not line.startswith("#")]
        found[path.stem] = ", ".join(named)
    return found

"""The tests of the device side: they import neither torch nor the converters.

``scripts/test_device.sh`` (`make test-device`) runs them in environments of their own, with
``EDGE_SDK_DEVICE_BUNDLE`` naming a bundle that was made beforehand. Without that variable (in
`make test`) nothing here is collected: the development environment has torch, and could not
show what these tests are to show.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

VARIABLE = "EDGE_SDK_DEVICE_BUNDLE"
collect_ignore_glob = [] if VARIABLE in os.environ else ["test_*.py"]


class Cli:
    """Runs the installed ``edge-sdk`` as a user would."""

    def __call__(self, *arguments: str | Path, code: int = 0) -> subprocess.CompletedProcess[str]:
        """The finished process; its exit code must be ``code``."""
        program = Path(sys.prefix) / "bin" / "edge-sdk"
        done = subprocess.run(
            [str(program), *map(str, arguments)], capture_output=True, text=True, timeout=120
        )
        assert done.returncode == code, done.stderr
        assert "Traceback" not in done.stderr
        return done

    def json(self, *arguments: str | Path) -> Any:
        """The one JSON object that the command prints with ``--json``."""
        return json.loads(self(*arguments, "--json").stdout)


@pytest.fixture
def cli() -> Cli:
    """The command line of this environment."""
    return Cli()


@pytest.fixture
def bundle() -> Path:
    """The bundle, made in the development environment."""
    return Path(os.environ[VARIABLE])

"""The device side on an emulated Cortex-A76, as ``scripts/test_arm64.sh`` has set it up."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

VARIABLE = "EDGE_SDK_EMULATED_PI"
ROOT = Path(__file__).parents[2]
_MAIN = "from edge_sdk.cli.main import main; main()"

EdgeSdk = Callable[..., Any]


@pytest.fixture(scope="session")
def emulated_pi() -> Path:
    """The folder with ``root``, ``site`` and ``bundles``."""
    if VARIABLE not in os.environ:
        pytest.skip("an emulated board is set up by make test-arm64")
    return Path(os.environ[VARIABLE])


@pytest.fixture(scope="session")
def on_arm64(emulated_pi: Path) -> EdgeSdk:
    """``on_arm64("verify", path)``: the JSON that the command prints on the emulated board."""

    def call(*words: str | Path) -> Any:
        command = [
            "sh", ROOT / "scripts/emulated_pi/user.sh", emulated_pi / "root", emulated_pi / "site",
            "-c", _MAIN, *words,
        ]  # fmt: skip
        done = subprocess.run(
            list(map(str, command)), capture_output=True, text=True, timeout=280, check=False
        )
        assert done.returncode == 0, done.stderr[-2000:]
        return json.loads(done.stdout)

    return call

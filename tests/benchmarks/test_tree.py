"""What a command and its children use together."""

from __future__ import annotations

import sys

import pytest

from edge_sdk.benchmarks.tree import measure_tree
from edge_sdk.errors import DeviceError

HOLD = "import time; held = bytearray(60_000_000); time.sleep(1.5)"
BOTH = f"import subprocess, sys; child = subprocess.Popen([sys.executable, '-c', {HOLD!r}]); {HOLD}"


def test_memory_of_a_child_is_added_to_its_parents() -> None:
    one = measure_tree([sys.executable, "-c", HOLD])
    both = measure_tree([sys.executable, "-c", f"{BOTH}; child.wait()"])
    assert 60e6 < one.peak_bytes < 110e6
    assert both.peak_bytes > one.peak_bytes + 55e6
    assert both.cpu_seconds > 0
    assert both.seconds > both.cpu_seconds / 4


def test_a_command_that_fails_is_an_error_with_its_last_words() -> None:
    with pytest.raises(DeviceError, match=r"exit code 3: too bad"):
        measure_tree(["sh", "-c", "echo too bad >&2; exit 3"])

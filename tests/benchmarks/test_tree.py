"""What a command and its children use together."""

from __future__ import annotations

import mmap
import sys
from pathlib import Path

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


def test_a_file_counts_once_in_a_tree_and_whole_beside_others(tmp_path: Path) -> None:
    """60 MB that two processes of the tree map, and this one, which is none of it."""
    file = tmp_path / "large"
    file.write_bytes(bytes(60_000_000))
    look = (
        f"import mmap, time; f = open({str(file)!r}, 'rb'); "
        "m = mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ); sum(m[::4096]); time.sleep(1.5)"
    )
    twice = (
        f"import subprocess, sys; c = subprocess.Popen([sys.executable, '-c', {look!r}]); {look}"
    )
    bare = measure_tree([sys.executable, "-c", "import time; time.sleep(1)"])
    with file.open("rb") as own, mmap.mmap(own.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        assert sum(mapped[::4096]) == 0
        one = measure_tree([sys.executable, "-c", look])
        both = measure_tree([sys.executable, "-c", f"{twice}; c.wait()"])
    assert 55e6 < one.peak_bytes - bare.peak_bytes < 75e6
    assert both.peak_bytes - one.peak_bytes < 30e6


def test_a_command_that_fails_is_an_error_with_its_last_words() -> None:
    with pytest.raises(DeviceError, match=r"exit code 3: too bad"):
        measure_tree(["sh", "-c", "echo too bad >&2; exit 3"])

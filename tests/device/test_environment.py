"""The environment is a device's: the wheel, an engine, and nothing of the build host."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import distributions
from importlib.util import find_spec
from pathlib import Path

import pytest

import edge_sdk

HEAVY = (
    "torch", "torchaudio", "torchvision", "onnx", "onnxscript", "safetensors", "tensorflow",
    "scipy", "pandas", "numba", "librosa", "opencv-python", "transformers", "matplotlib",
)  # fmt: skip


def test_the_sdk_comes_from_the_wheel() -> None:
    assert Path(edge_sdk.__file__).is_relative_to(sys.prefix)


@pytest.mark.parametrize("name", ["torch", "onnx", "onnxscript", "safetensors"])
def test_what_converting_needs_is_not_here(name: str) -> None:
    assert find_spec(name) is None


def test_nothing_heavy_was_installed() -> None:
    names = {d.metadata["Name"].lower() for d in distributions()}
    assert {"edge-sdk", "onnxruntime"} <= names
    assert not names & set(HEAVY)


def test_the_rooms_bring_no_name_of_their_own() -> None:
    for name in ("converters", "runtimes", "benchmarks", "tests"):
        code = f"import importlib.util as u; raise SystemExit(u.find_spec({name!r}) is not None)"
        assert subprocess.run([sys.executable, "-I", "-c", code]).returncode == 0


def test_types_are_declared() -> None:
    assert (Path(edge_sdk.__file__).parent / "py.typed").is_file()

"""What an import or a command costs: nothing heavy comes along unasked."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

BUILD_HOST = {"torch", "onnx", "onnxscript", "safetensors", "tqdm"}
ENGINES = {"onnxruntime", "tensorflow", "tensorrt", "ai_edge_litert"}
MEDIA = {"numpy", "PIL", "soundfile", "soxr"}


def modules_after(code: str) -> set[str]:
    """The top-level modules that a fresh interpreter holds after running ``code``."""
    ending = "\nimport json, sys; print('\\n' + json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code + ending], capture_output=True, text=True, check=True
    )
    return {name.split(".")[0] for name in json.loads(done.stdout.splitlines()[-1])}


def test_the_package_alone_brings_nothing() -> None:
    assert modules_after("import edge_sdk") & (BUILD_HOST | ENGINES | MEDIA | {"click"}) == set()


@pytest.mark.parametrize("words", [
    ["--help"], ["--version"], ["convert", "--help"], ["infer", "--help"], ["inspect", "--help"],
    ["targets", "--help"], ["verify", "--help"],
])  # fmt: skip
def test_help_brings_neither_engines_nor_torch(words: list[str]) -> None:
    code = f"from edge_sdk.cli.main import _run\nassert _run({words!r}) == 0"
    loaded = modules_after(code)
    assert "click" in loaded
    assert loaded & (BUILD_HOST | ENGINES) == set()
    if len(words) == 1:
        assert loaded & MEDIA == set()


def test_a_session_never_brings_what_only_the_build_host_has(tiny_bundle: Path) -> None:
    loaded = modules_after(
        "import pkgutil, importlib, edge_sdk.runtimes\n"
        "from edge_sdk import FusionSession\n"
        "for found in pkgutil.walk_packages(edge_sdk.runtimes.__path__, 'edge_sdk.runtimes.'):\n"
        "    importlib.import_module(found.name)\n"
        f"with FusionSession.open({str(tiny_bundle)!r}) as session:\n"
        "    session.infer(text='stop')\n"
    )
    assert "onnxruntime" in loaded
    assert loaded & BUILD_HOST == set()


def test_inspect_needs_no_engine(tiny_bundle: Path) -> None:
    code = (
        f"from edge_sdk.cli.main import _run\nassert _run(['inspect', {str(tiny_bundle)!r}]) == 0"
    )
    assert modules_after(code) & (BUILD_HOST | ENGINES) == set()


def test_an_unknown_name_is_an_attribute_error() -> None:
    import edge_sdk

    with pytest.raises(AttributeError, match="Sessions"):
        _ = edge_sdk.Sessions
    assert {"Bundle", "FusionSession", "load_target"} == set(edge_sdk.__all__)
    assert all(getattr(edge_sdk, name) for name in edge_sdk.__all__)

"""The calls to TensorRT, and the fake's names, against the real bindings of 10.3 and 11.

Slow: it fetches two packages of 1 MB and needs a C compiler; see ``scripts/tensorrt_api.py``.
"""

from __future__ import annotations

import ast
import importlib.util
import inspect
import platform
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from edge_sdk.runtimes.tensorrt.fake import FakeMachine, building, running, types

ROOT = Path(__file__).resolve().parents[2]
#: JetPack 6 has 10.3; 11 is the newest.
VERSIONS = ("10.3.0", "11.4.0.106")
# The fake's classes, and how the real ones are called.
_CLASSES: dict[type, str] = {
    types.ILogger: "ILogger",
    types.IProfiler: "IProfiler",
    types.IProgressMonitor: "IProgressMonitor",
    types.NetworkDefinitionCreationFlag: "NetworkDefinitionCreationFlag",
    types.BuilderFlag: "BuilderFlag",
    types.MemoryPoolType: "MemoryPoolType",
    types.ProfilingVerbosity: "ProfilingVerbosity",
    types.TensorIOMode: "TensorIOMode",
    types.DataType: "DataType",
    types.Tensor: "ITensor",
    building.Network: "INetworkDefinition",
    building.ParserError: "ParserError",
    building.OnnxParser: "OnnxParser",
    building.OptimizationProfile: "IOptimizationProfile",
    building.BuilderConfig: "IBuilderConfig",
    running.CudaEngine: "ICudaEngine",
    running.ExecutionContext: "IExecutionContext",
    FakeMachine().module.Builder: "Builder",
    FakeMachine().module.Runtime: "Runtime",
}
# Gone from 11, where there is nothing but explicit batches.
_ONLY_IN_10 = {"EXPLICIT_BATCH"}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        platform.machine() != "x86_64" or shutil.which("cc") is None,
        reason="the bindings are x86-64's, and a C compiler is needed",
    ),
]


@pytest.fixture(scope="module")
def api() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "tensorrt_api", ROOT / "scripts" / "tensorrt_api.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The rooms as one package, as ``make lint`` lays them out."""
    root = tmp_path_factory.mktemp("tree")
    shutil.copytree(ROOT / "edge_sdk", root / "edge_sdk")
    for room in ("converters", "runtimes", "benchmarks"):
        shutil.copytree(ROOT / room, root / "edge_sdk" / room)
    return root


@pytest.mark.parametrize("version", VERSIONS)
def test_every_call_fits_the_real_signatures(api: ModuleType, tree: Path, version: str) -> None:
    assert api.check(version, tree) == ""


@pytest.mark.parametrize("version", VERSIONS)
def test_a_call_that_does_not_exist_is_found(
    api: ModuleType, tree: Path, version: str, tmp_path: Path
) -> None:
    shutil.copytree(tree, tmp_path / "tree")
    runner = tmp_path / "tree" / "edge_sdk" / "runtimes" / "tensorrt" / "runner.py"
    text = runner.read_text()
    runner.write_text(text.replace("context.execute_async_v3(", "context.execute_async_v2("))
    assert "execute_async_v2" in api.check(version, tmp_path / "tree")


@pytest.mark.parametrize("version", VERSIONS)
def test_the_fake_has_no_name_that_the_binding_lacks(api: ModuleType, version: str) -> None:
    real = dict(_members(api.stubs(version) / "tensorrt" / "tensorrt.pyi"))
    lacking = [
        f"{name}.{member}"
        for fake, name in _CLASSES.items()
        for member in _public(fake)
        if member not in real[name] and not (version > "11" and member in _ONLY_IN_10)
    ]
    assert lacking == []


def _members(stub: Path) -> Iterator[tuple[str, set[str]]]:
    for node in ast.parse(stub.read_text()).body:
        if isinstance(node, ast.ClassDef):
            found: set[str] = set()
            for item in node.body:
                if isinstance(item, ast.FunctionDef | ast.ClassDef):
                    found.add(item.name)
                elif isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name):
                    found.add(item.target.id)
            yield node.name, found


def _public(fake: type) -> Iterator[str]:
    own = {name for name in vars(fake) if not name.startswith("_")}
    for name in sorted(own):
        doc = inspect.getdoc(getattr(fake, name)) or ""
        if not doc.startswith("Not in TensorRT"):
            yield name

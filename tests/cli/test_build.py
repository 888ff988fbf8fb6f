"""``edge-sdk build``: what it says with and without a Jetson."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest
from click.testing import CliRunner

from edge_sdk.bundle import Bundle
from edge_sdk.bundle.manifest import ShapeRange
from edge_sdk.cli import build
from edge_sdk.errors import BundleError, DeviceError, EngineError
from edge_sdk.runtimes.tensorrt import binding, cuda, kit
from edge_sdk.runtimes.tensorrt.fake import FakeMachine
from edge_sdk.runtimes.tensorrt.kit import KitGraph

from ..onnx_graphs import image_net, summing

PROFILE = ShapeRange(input="features", smallest=(1, 1, 4), usual=(1, 20, 4), largest=(1, 50, 4))
KIT = (
    KitGraph(
        part="audio",
        precision="int8",
        graph=summing().SerializeToString(),
        profiles=(PROFILE,),
    ),
    KitGraph(part="image", precision="fp16", graph=image_net().SerializeToString()),
)


@pytest.fixture
def _with_kit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Bundle, "open", lambda path: SimpleNamespace(path=path))
    monkeypatch.setattr(kit, "kit_of", lambda bundle: KIT)


@pytest.fixture
def machine(_with_kit: None, monkeypatch: pytest.MonkeyPatch) -> FakeMachine:
    """A Jetson that is not there."""
    machine = FakeMachine()
    monkeypatch.setattr(binding, "import_module", lambda name: machine.module)
    monkeypatch.setattr(cuda, "import_module", lambda name: machine.cudart)
    return machine


def run(*words: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(build.command, list(words), standalone_mode=False)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


def states(table: str) -> list[str]:
    return [line.split()[2] for line in table.splitlines()[1:3]]


def test_engines_are_compiled_once_and_named(machine: FakeMachine, tmp_path: Path) -> None:
    code, out, err = run("model.edge", "--cache", str(tmp_path))
    assert code == 0
    assert "compile audio int8" in err
    assert "audio int8: none has been compiled yet" in err
    assert states(out) == ["compiled", "compiled"]
    assert "TensorRT 10.3.0 on Orin (compute capability 8.7, 8 SMs)" in out
    code, out, err = run("model.edge", "--cache", str(tmp_path))
    assert (code, states(out), err) == (0, ["kept", "kept"], "")
    assert machine.builds == 2


def test_json_is_one_object(machine: FakeMachine, tmp_path: Path) -> None:
    code, out, _ = run("model.edge", "--json", "--cache", str(tmp_path))
    said = msgspec.json.decode(out)
    assert code == 0
    assert said["ok"] is True
    assert said["tensorrt"] == "10.3.0"
    assert [engine["state"] for engine in said["engines"]] == ["compiled", "compiled"]
    assert all(Path(engine["path"]).is_file() for engine in said["engines"])


def test_one_failure_is_an_error_and_the_rest_is_compiled(
    machine: FakeMachine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = KitGraph(part="text", precision="int8", graph=b"nonsense")
    monkeypatch.setattr(kit, "kit_of", lambda bundle: (broken, *KIT))
    with pytest.raises(EngineError, match=r"1 of 3 engines of model\.edge .* first text int8"):
        run("model.edge", "--cache", str(tmp_path))
    assert machine.builds == 2
    code, out, err = run("model.edge", "--cache", str(tmp_path), "--json")
    assert code == EngineError.exit_code
    assert msgspec.json.decode(out)["ok"] is False
    assert "could not be compiled" in err


@pytest.mark.usefixtures("_with_kit")
def test_without_tensorrt_it_says_where_to_run_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorrt", None)
    with pytest.raises(EngineError, match=r"JetPack.*compiled on the device they run on"):
        run("model.edge")


def test_without_a_gpu_it_says_so(machine: FakeMachine) -> None:
    machine.cudart.devices = 0
    with pytest.raises(DeviceError, match="no GPU here that CUDA can use"):
        run("model.edge")


def test_a_bundle_without_a_kit_says_what_to_convert_for(tiny_bundle: Path) -> None:
    with pytest.raises(BundleError, match=r"carries no TensorRT kit.*for a Jetson target"):
        run(str(tiny_bundle))

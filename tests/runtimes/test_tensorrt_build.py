"""Building and keeping TensorRT engines, on a machine that is not there."""

from __future__ import annotations

import _thread
import signal
import threading
from pathlib import Path

import msgspec
import pytest

from edge_sdk.bundle.manifest import ShapeRange
from edge_sdk.errors import EngineError, StorageError
from edge_sdk.runtimes.tensorrt.build import BuildFlags, BuildStopped, build_engine
from edge_sdk.runtimes.tensorrt.cache import (
    MAGIC,
    EngineCache,
    EngineKey,
    Found,
    Missing,
    default_engine_cache,
    engine_key,
)
from edge_sdk.runtimes.tensorrt.compile import Outcome, compile_kit
from edge_sdk.runtimes.tensorrt.cuda import Cuda, Gpu
from edge_sdk.runtimes.tensorrt.fake import FakeMachine
from edge_sdk.runtimes.tensorrt.kit import KitGraph

from ..bundles import flipped
from ..onnx_graphs import summing

GRAPH = summing().SerializeToString()
PROFILE = ShapeRange(input="features", smallest=(1, 1, 4), usual=(1, 20, 4), largest=(1, 50, 4))
ORIN = Gpu(name="Orin", capability="8.7", multiprocessors=8)


@pytest.fixture
def machine() -> FakeMachine:
    return FakeMachine()


def compile_one(
    machine: FakeMachine, root: Path, graph: bytes = GRAPH, flags: BuildFlags | None = None
) -> Outcome:
    kit = [KitGraph(part="audio", precision="int8", graph=graph, profiles=(PROFILE,))]
    gpu = Cuda(machine.cudart).gpu()
    (outcome,) = compile_kit(machine.binding, gpu, kit, EngineCache(root), flags)
    return outcome


def test_an_engine_is_built_and_progress_counts_up(machine: FakeMachine) -> None:
    seen: list[tuple[str, int, int]] = []

    def step(phase: str, done: int, total: int) -> bool:
        seen.append((phase, done, total))
        return True

    built = build_engine(machine.binding, GRAPH, [PROFILE], progress=step)
    assert built.plan
    counts = [done for _, done, _ in seen if done >= 0]
    assert counts == sorted(counts)
    assert counts[0] == 0
    assert counts[-1] == 3
    assert {total for _, _, total in seen} == {3}


def test_a_build_can_be_stopped(machine: FakeMachine) -> None:
    with pytest.raises(BuildStopped):
        build_engine(machine.binding, GRAPH, [PROFILE], progress=lambda *_: False)
    assert machine.builds == 0


def test_a_binding_without_progress_monitors_builds_too(
    machine: FakeMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(type(machine.module), "IProgressMonitor")
    assert build_engine(machine.binding, GRAPH, [PROFILE]).plan


def test_what_is_no_graph_is_refused_with_the_reason(machine: FakeMachine) -> None:
    with pytest.raises(EngineError, match=r"TensorRT 10\.3\.0 refuses the graph: .*INVALID"):
        build_engine(machine.binding, b"nonsense")


@pytest.mark.parametrize(
    ("profiles", "sentence"),
    [
        ([], "features has an axis of any length and no shape profile"),
        ([PROFILE, msgspec.structs.replace(PROFILE, input="mask")], "mask, which is no input"),
        (
            [msgspec.structs.replace(PROFILE, usual=(1, 51, 4))],
            "smallest <= usual <= largest along axis 1",
        ),
        ([msgspec.structs.replace(PROFILE, largest=(1, 50))], "different ranks"),
        (
            [ShapeRange(input="features", smallest=(1, 1, 3), usual=(1, 2, 3), largest=(1, 3, 3))],
            "features is 4 long along axis 2",
        ),
        (
            [ShapeRange(input="features", smallest=(1, 1), usual=(1, 1), largest=(1, 1))],
            "features has 3 axes and its profile 2",
        ),
    ],
)
def test_wrong_profiles_are_refused(
    machine: FakeMachine, profiles: list[ShapeRange], sentence: str
) -> None:
    with pytest.raises(EngineError, match=sentence):
        build_engine(machine.binding, GRAPH, profiles)


def test_an_engine_is_compiled_once(machine: FakeMachine, tmp_path: Path) -> None:
    first = compile_one(machine, tmp_path / "new" / "cache")
    second = compile_one(machine, tmp_path / "new" / "cache")
    assert (first.state, second.state) == ("compiled", "kept")
    assert first.reason == "none has been compiled yet"
    assert first.path == second.path
    assert machine.builds == 1


@pytest.mark.parametrize(
    ("other", "sentence"),
    [
        (FakeMachine(version="10.7.0"), "compiled by TensorRT 10.3.0, and this is 10.7.0"),
        (FakeMachine(capability=(8, 6)), "compute capability 8.7, 8 SMs"),
        (FakeMachine(multiprocessors=16), "and this is Orin .compute capability 8.7, 16 SMs"),
        (FakeMachine(gpu="Thor"), "and this is Thor"),
    ],
)
def test_a_stale_or_foreign_engine_is_compiled_anew_with_a_sentence(
    machine: FakeMachine, tmp_path: Path, other: FakeMachine, sentence: str
) -> None:
    compile_one(machine, tmp_path)
    outcome = compile_one(other, tmp_path)
    assert outcome.state == "compiled"
    assert sentence in outcome.reason.replace("(", ".")
    assert compile_one(other, tmp_path).state == "kept"
    assert len(list(tmp_path.iterdir())) == 1


def test_other_graphs_and_flags_have_engines_of_their_own(
    machine: FakeMachine, tmp_path: Path
) -> None:
    compile_one(machine, tmp_path)
    assert compile_one(machine, tmp_path, flags=BuildFlags(tf32=True)).state == "compiled"
    other = summing(opset=17).SerializeToString()
    assert compile_one(machine, tmp_path, graph=other).state == "compiled"
    assert len(list(tmp_path.iterdir())) == 3


def test_every_altered_byte_of_an_engine_is_noticed(machine: FakeMachine, tmp_path: Path) -> None:
    outcome = compile_one(machine, tmp_path)
    assert outcome.path
    path = Path(outcome.path)
    sound = path.read_bytes()
    key = engine_key("10.3.0", ORIN, GRAPH, (PROFILE,))
    cache = EngineCache(tmp_path)
    assert isinstance(cache.find(key), Found)
    for position in range(0, len(sound), 7):
        path.write_bytes(flipped(sound, position))
        found = cache.find(key)
        assert isinstance(found, Missing), position
    for length in (0, 5, len(MAGIC), len(MAGIC) + 2, len(MAGIC) + 40, len(sound) - 1):
        path.write_bytes(sound[:length])
        assert isinstance(cache.find(key), Missing), length
    path.write_bytes(sound + b"\0")
    assert isinstance(cache.find(key), Missing)
    assert compile_one(machine, tmp_path).state == "compiled"
    assert path.read_bytes() == sound


def test_an_engine_under_another_graphs_name_is_not_taken(
    machine: FakeMachine, tmp_path: Path
) -> None:
    outcome = compile_one(machine, tmp_path)
    assert outcome.path
    cache = EngineCache(tmp_path)
    other = engine_key("10.3.0", ORIN, b"another graph", (PROFILE,))
    Path(outcome.path).rename(cache.path(other))
    found = cache.find(other)
    assert isinstance(found, Missing)
    assert "compiled from another graph" in found.reason


def test_a_key_does_not_depend_on_the_order_of_profiles() -> None:
    second = msgspec.structs.replace(PROFILE, input="mask")
    one = engine_key("10.3.0", ORIN, GRAPH, (PROFILE, second))
    assert one == engine_key("10.3.0", ORIN, GRAPH, (second, PROFILE))
    assert isinstance(msgspec.json.decode(msgspec.json.encode(one), type=EngineKey), EngineKey)


def test_an_interrupted_build_leaves_the_cache_as_it_was(
    machine: FakeMachine, tmp_path: Path
) -> None:
    compile_one(FakeMachine(version="10.2.0"), tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    machine.steps = 1_000_000
    kit = [KitGraph(part="audio", precision="int8", graph=GRAPH, profiles=(PROFILE,))]
    under_way = threading.Event()
    main = threading.get_ident()

    def progress(stage: str, done: int, total: int) -> None:
        if done == 5 and not under_way.is_set():
            under_way.set()
            assert threading.get_ident() != main
            _thread.interrupt_main()

    gpu = Cuda(machine.cudart).gpu()
    # A shell starts its background jobs, and so perhaps these tests, deaf to SIGINT.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with pytest.raises(KeyboardInterrupt):
        list(compile_kit(machine.binding, gpu, kit, EngineCache(tmp_path), progress=progress))
    assert machine.builds == 0
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    builds = [thread for thread in threading.enumerate() if thread.name == "tensorrt-build"]
    assert not any(thread.is_alive() for thread in builds)


def test_one_graph_that_is_refused_does_not_stop_the_others(
    machine: FakeMachine, tmp_path: Path
) -> None:
    kit = [
        KitGraph(part="broken", precision="int8", graph=b"nonsense"),
        KitGraph(part="audio", precision="int8", graph=GRAPH, profiles=(PROFILE,)),
    ]
    gpu = Cuda(machine.cudart).gpu()
    broken, audio = compile_kit(machine.binding, gpu, kit, EngineCache(tmp_path))
    assert (broken.state, audio.state) == ("failed", "compiled")
    assert "refuses the graph" in broken.reason
    assert broken.path is None


def test_a_cache_that_is_a_file_is_a_sentence(machine: FakeMachine, tmp_path: Path) -> None:
    place = tmp_path / "cache"
    place.write_text("")
    with pytest.raises(StorageError, match="Cannot write"):
        compile_one(machine, place)


def test_the_default_cache_follows_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("EDGE_SDK_CACHE", str(tmp_path))
    assert default_engine_cache() == tmp_path / "tensorrt"
    monkeypatch.delenv("EDGE_SDK_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_engine_cache() == tmp_path / "edge-sdk" / "tensorrt"

"""The suite that every bundle passes on every board."""

from __future__ import annotations

import shlex
import tempfile
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from edge_sdk.benchmarks.compare import read_budgets
from edge_sdk.benchmarks.compare.metrics import metrics_of
from edge_sdk.benchmarks.evaluate import Evaluation, agreement, evaluate
from edge_sdk.benchmarks.profile import ProfileResult
from edge_sdk.bundle import Bundle, write_bundle
from edge_sdk.errors import EdgeError, RemoteError, StorageError
from edge_sdk.remote import Deployed, OpenSsh, Program, send_folder
from edge_sdk.remote.transport import Completed, Sent
from edge_sdk.samples import SampleSet, spread_evenly

from .board import Board
from .memory import limited_memory

Record = Callable[[str, object], None]
#: Bytes: less than an interpreter with an engine takes.
LITTLE = 16 << 20


def test_golden_values_hold(deployed_bundle: Deployed) -> None:
    """The runtime is there, the bundle is current, and every stage gives what it should."""
    assert sum(deployed_bundle.checks.values()) > 0
    assert deployed_bundle.engines


def test_answers_are_right(
    device: Board,
    edge_bundle: Bundle,
    deployed_bundle: Deployed,
    pytestconfig: pytest.Config,
    record_property: Record,
) -> None:
    """The labels on the board are those of the graphs as they are written, run here."""
    folder, limit = pytestconfig.getoption("--edge-samples"), pytestconfig.getoption("--edge-limit")
    if folder is None:
        pytest.skip("needs --edge-samples")
    taken = set(edge_bundle.manifest.frontends.modalities)
    samples = SampleSet.open(folder)
    usable = [sample for sample in samples if taken & set(sample.modalities)]
    with tempfile.TemporaryDirectory() as temporary:
        # No more than is answered on: a board's disk and its network are small.
        some = samples.subset(spread_evenly(usable, limit)).copy(Path(temporary) / "samples")
        there = send_folder(some, device.place)
        said = device.program.json(
            "evaluate", deployed_bundle.path, "--samples", there, "--json", "-"
        )
        board = msgspec.convert(said, Evaluation)
        here = evaluate(edge_bundle.path, some.root, engine=board.bundle.edition, reference=True)
    found = agreement(board, here)
    record_property("emulated", board.device.emulated)
    record_property("agreement", round(found.share, 4))
    assert found.share >= pytestconfig.getoption("--edge-agreement"), found.differ


def test_budgets_are_kept(
    profile: ProfileResult, pytestconfig: pytest.Config, record_property: Record
) -> None:
    """No metric is over its limit; times of an emulated board are measured and not judged."""
    record_property("emulated", profile.device.emulated)
    metrics = metrics_of(profile)
    median = {name: sorted(m.rounds)[len(m.rounds) // 2] for name, m in metrics.items() if m.rounds}
    for name in ("total.p50_ms", "total.p99_ms", "peak_mb", "size_mb"):
        record_property(name, round(median[name], 3))
    path = pytestconfig.getoption("--edge-budgets")
    if path is None:
        pytest.skip("needs --edge-budgets")
    budgets = read_budgets(Path(path))
    budgets.check(profile.bundle.target, metrics)
    over = {
        name: f"{median[name]:.3g} over {limit:g} {metrics[name].unit}"
        for name, limit in budgets.limits(profile.bundle.target).items()
        if name in metrics
        and median[name] > limit
        and not (metrics[name].time and profile.device.emulated)
    }
    assert not over


def test_power_cut_in_the_middle_of_a_deploy(
    device: Board, edge_bundle: Bundle, deployed_bundle: Deployed, record_property: Record
) -> None:
    """The old bundle still runs, and the same deployment goes on where it was."""
    with tempfile.TemporaryDirectory() as folder:
        other = _other_version(edge_bundle, Path(folder))
        with _CutOff(device) as cut, pytest.raises(RemoteError):
            device.deploy(other, over=cut)
        record_property("power", "connection cut" if device.power is None else "power cut")
        device.switch_on()
        assert device.place.state().current == edge_bundle.manifest.digest
        assert device.program.verify(device.place.current_file)["ok"]
        done = device.deploy(other)
        whole = other.path.stat().st_size
        if device.power is None:
            assert done.sent == whole - whole // 2
        else:
            # What had not reached the disk is sent again.
            assert done.sent >= whole - whole // 2
        assert done.previous == edge_bundle.manifest.digest
        # As it was; it has not left the board.
        device.place.activate(edge_bundle.manifest.digest, deployed_bundle.previous)


def test_full_disk(
    device: Board, edge_bundle: Bundle, deployed_bundle: Deployed, record_property: Record
) -> None:
    """A sentence, and the old bundle still runs."""
    place = device.place
    record_property("disk", "filled" if device.fill else "/dev/full")
    with tempfile.TemporaryDirectory() as folder:
        other = _other_version(edge_bundle, Path(folder), "full disk")
        if device.fill:
            # All but what a script needs to run.
            block = shlex.quote(f"{place.path}/.filling")
            free = "$(df -Pk . | tail -n 1 | awk '{print $4}')"
            full = f"fallocate -l $((({free} - 512) * 1024)) {block}"
            device.transport.run(f"cd {shlex.quote(place.path)} && {full}")
            clear = f"rm -f {block}"
        else:
            # Linux's own full disk, where the bytes would arrive.
            part = shlex.quote(f"{place.path}/.incoming/{_sha256(other.path)}.part")
            device.transport.run(f"ln -s /dev/full {part}")
            clear = f"rm -f {part}"
        try:
            with pytest.raises(StorageError, match=r"room|MB left"):
                device.deploy(other)
            assert device.program.verify(place.current_file)["ok"]
        finally:
            device.transport.run(clear)
    assert place.state().current == edge_bundle.manifest.digest


def test_out_of_memory(device: Board, deployed_bundle: Deployed, record_property: Record) -> None:
    """What gets too little memory ends with a sentence, and the next one, with enough, answers."""
    place = device.place
    program = device.options.edge_sdk or shlex.quote(f"{place.path}/venv/bin/edge-sdk")
    with limited_memory(device.transport, LITTLE) as (how, words):
        record_property("memory", how)
        with pytest.raises(EdgeError) as caught:
            Program(place, f"{words} {program}").verify(deployed_bundle.path)
    record_property("said", str(caught.value))
    if how != "address space":
        assert "SIGKILL" in str(caught.value)
    assert device.program.verify(deployed_bundle.path)["ok"]


class _CutOff(OpenSsh):
    """A way to the board that ends when half of a file is sent: with its power, if that can be."""

    def __init__(self, device: Board) -> None:
        super().__init__(device.transport.address, device.transport.program)
        self._power = device.power

    def append(
        self, local: Path, remote: str, *, offset: int = 0, sent: Sent = lambda done: None
    ) -> Completed:
        with tempfile.TemporaryDirectory() as folder:
            half = Path(folder) / "half"
            half.write_bytes(local.read_bytes()[: local.stat().st_size // 2])
            super().append(half, remote, offset=offset)
            if self._power is not None:
                self._power.off()
                super().append(local, remote, offset=half.stat().st_size)
        raise RemoteError("The connection was cut off on purpose.")


def _other_version(bundle: Bundle, folder: Path, name: str = "cut off") -> Bundle:
    """The same graphs under another name: another digest."""
    manifest = msgspec.structs.replace(bundle.manifest, name=f"{bundle.manifest.name} ({name})")
    path = folder / "other.edge"
    write_bundle(path, manifest, {file: bundle.read(file) for file in bundle.manifest.files})
    return Bundle.open(path)


def _sha256(path: Path) -> str:
    from edge_sdk.digest import sha256_hex

    return sha256_hex(path.read_bytes())

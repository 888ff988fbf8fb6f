"""Instruction counts of an emulated board: the same twice, and a slowdown is seen.

``scripts/hil.sh`` leaves the machine, with the runtime and the bundle on its disk.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import pytest

from edge_sdk.benchmarks.compare import Budgets, compare_profiles
from edge_sdk.benchmarks.compare.budgets import TargetBudgets
from edge_sdk.benchmarks.compare.metrics import metrics_of
from edge_sdk.benchmarks.hil.board import Board
from edge_sdk.benchmarks.profile import ProfileOptions, ProfileResult, read_result, write_result
from edge_sdk.bundle import Bundle
from edge_sdk.remote import Address, DeployOptions, OpenSsh
from edge_sdk.runtimes.probes.emulation import COUNTED

from .conftest import ROOT

pytestmark = [pytest.mark.arm64, pytest.mark.timeout(900)]

OPTIONS = ProfileOptions(rounds=3, calls=10)
BUDGETS = Budgets(targets={"default": TargetBudgets(regression={"total.p50_ms": "5%"})})
BASELINE = Path(__file__).with_name("counted.json")
#: At the end of the module of log-mel features, on the board.
PLANTED = """
_batch = LogMel.batch

def _slower(self, *words, **named):
    sum(range({count}))
    return _batch(self, *words, **named)

LogMel.batch = _slower
"""
_MEASURE = "import time; t = time.perf_counter(); sum(range(10**6)); print(time.perf_counter() - t)"


class Machine(Board):
    """The board, whose power is a script."""

    def __init__(self, folder: Path) -> None:
        self._script = [str(ROOT / "scripts/emulated_pi/machine.sh"), str(folder)]
        transport = OpenSsh(Address(host="emulated-pi"), f"ssh -F {folder / 'ssh_config'}")
        super().__init__("pi-counted", transport, "edge-sdk", DeployOptions(), self)

    def on(self) -> None:
        subprocess.run(["sh", *self._script, "on"], check=True)

    def off(self) -> None:
        subprocess.run(["sh", *self._script, "off"], check=True)


@pytest.fixture(scope="module")
def machine(emulated_pi: Path) -> Iterator[Machine]:
    folder = emulated_pi / "pi-counted"
    if not folder.is_dir():
        pytest.skip("the machine is set up by make hil")
    machine = Machine(folder)
    machine.switch_on()
    yield machine
    machine.transport.close()
    machine.off()


@pytest.fixture(scope="module")
def bundle(emulated_pi: Path) -> Bundle:
    return Bundle.open(emulated_pi / "bundles" / "rpi5.edge")


@pytest.fixture(scope="module")
def first(machine: Machine, bundle: Bundle, emulated_pi: Path) -> ProfileResult:
    found = machine.profile(bundle, OPTIONS)
    write_result(found, emulated_pi / "results" / "counted.json")
    return found


def test_the_same_twice(machine: Machine, bundle: Bundle, first: ProfileResult) -> None:
    assert first.device.emulated
    assert first.device.emulation == COUNTED
    second = machine.profile(bundle, OPTIONS)
    ratio = _total(second) / _total(first)
    assert 0.98 < ratio < 1.02
    found = compare_profiles(first, second, BUDGETS)
    assert found.passed, found.metrics


def test_no_slower_than_the_baseline(first: ProfileResult) -> None:
    """``counted.json`` beside this file was measured on another host, at another time.

    Another bundle or engine is no reason to be slower: measure a new baseline where it is meant to
    (``cp build/emulated-pi/results/counted.json tests/boards/``).
    """
    found = compare_profiles(read_result(BASELINE), first, BUDGETS)
    slower = [v for v in found.metrics if v.fails]
    assert found.passed, (slower, found.warnings)


def test_a_tenth_slower_is_seen(machine: Machine, bundle: Bundle, first: ProfileResult) -> None:
    run = machine.transport.run
    site = "edge-sdk/venv/lib/python3.11/site-packages"
    million = float(run(f"edge-sdk/venv/bin/python -c '{_MEASURE}'").out)
    planted = PLANTED.format(count=round(0.1 * _total(first) / 1e3 / million * 1e6))
    copied = run(
        f"rm -rf planted && mkdir planted && cp -r {site}/edge_sdk planted/ && "
        "cat >> planted/edge_sdk/frontends/audio.py",
        stdin=planted.encode(),
    )
    assert copied.code == 0, copied.err
    honest = machine.options
    machine.options = DeployOptions(
        edge_sdk="env PYTHONPATH=$PWD/planted edge-sdk/venv/bin/edge-sdk"
    )
    try:
        slower = machine.profile(bundle, OPTIONS)
    finally:
        machine.options = honest
    found = compare_profiles(first, slower, BUDGETS)
    assert {v.metric for v in found.metrics if v.fails} == {"total.p50_ms"}


def _total(result: ProfileResult) -> float:
    """The median of the rounds' medians, milliseconds of counted time."""
    return median(metrics_of(result)["total.p50_ms"].rounds)

"""Every board against what was measured on it before."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_sdk.benchmarks.compare import compare_profiles, read_budgets
from edge_sdk.benchmarks.profile import ProfileOptions, read_result, write_result
from edge_sdk.bundle import Bundle
from edge_sdk.remote import Deployed

from .board import Board

#: An interval needs three.
OPTIONS = ProfileOptions(rounds=3, calls=20)


def test_no_worse_than_the_baseline(
    device: Board, edge_bundle: Bundle, deployed_bundle: Deployed, pytestconfig: pytest.Config
) -> None:
    """As ``edge-sdk compare``: outside noise and budget, nothing is worse than it was.

    Times of an emulated board count where its clock counts instructions.
    """
    folder = pytestconfig.getoption("--edge-baseline")
    if folder is None:
        pytest.skip("needs --edge-baseline")
    path = Path(folder) / device.name / f"{edge_bundle.path.stem}.json"
    if pytestconfig.getoption("--edge-write-baseline"):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_result(device.profile(edge_bundle, OPTIONS), path)
        return
    if not path.exists():
        pytest.skip(f"there is no {path}: --edge-write-baseline makes it")
    budgets = pytestconfig.getoption("--edge-budgets")
    found = compare_profiles(
        read_result(path),
        device.profile(edge_bundle, OPTIONS),
        None if budgets is None else read_budgets(Path(budgets)),
    )
    worse = {
        v.metric: f"{v.base:.4g} {v.unit} became {v.new:.4g}" for v in found.metrics if v.fails
    }
    assert found.passed, worse

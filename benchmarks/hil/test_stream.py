"""A live stream on every board, for a while."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from edge_sdk.benchmarks.soak import SoakResult
from edge_sdk.remote import Deployed

from .board import Board


def test_streaming_soak(
    device: Board,
    deployed_bundle: Deployed,
    pytestconfig: pytest.Config,
    record_property: Callable[[str, object], None],
) -> None:
    """On injected sound: decisions, no untold loss, flat memory, everything given back."""
    seconds = pytestconfig.getoption("--edge-soak")
    said = device.program.json("soak", deployed_bundle.path, "--seconds", f"{seconds:g}", "--json")
    found = msgspec.convert(said, SoakResult)
    record_property("emulated", found.device.emulated)
    for name in ("decisions", "late", "moves", "losses", "memory"):
        record_property(name, msgspec.to_builtins(getattr(found, name)))
    assert not found.problems

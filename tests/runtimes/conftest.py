"""A bundle with a ladder of rungs, and a session on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_sdk import FusionSession

from ..bundles import with_rungs


@pytest.fixture(scope="session")
def ladder(tiny_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return with_rungs(tiny_bundle, tmp_path_factory.mktemp("live") / "ladder.edge")


@pytest.fixture
def session(ladder: Path) -> Iterator[FusionSession]:
    with FusionSession.open(ladder) as opened:
        yield opened

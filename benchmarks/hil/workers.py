"""How tests are dealt to the workers of pytest-xdist: all of one board to the same worker."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling


def scheduler_of(boards: Sequence[str], config: pytest.Config, log: Any) -> object:
    """A scheduler for tests whose parameters begin with the name of a board."""

    class OneWorkerABoard(LoadScopeScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            parameters = nodeid.partition("[")[2].removesuffix("]")
            # The longest name that fits: one may begin with another.
            fitting = [b for b in boards if parameters == b or parameters.startswith(f"{b}-")]
            return max(fitting, key=len, default=nodeid)

    return OneWorkerABoard(config, log)

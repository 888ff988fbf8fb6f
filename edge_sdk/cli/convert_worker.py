"""The process in which several targets are converted: ``python -m ... FOLDER PARENT``.

See :mod:`edge_sdk.converters.supervise` for what it reads and leaves in the folder.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from pathlib import Path

import msgspec

from edge_sdk.converters.supervise import (
    FAILURE,
    REQUEST,
    SETTLED,
    WHERE,
    Request,
    Settled,
    Trouble,
)
from edge_sdk.converters.whereabouts import note_into

from ..errors import DependencyError, EdgeError
from .progress import StageProgress

_PR_SET_PDEATHSIG = 1


def main(place: str, parent: int) -> int:
    """Convert; 0 where every target is settled, 1 where an error concerned them all."""
    _die_with(parent)
    folder = Path(place)
    request = msgspec.json.decode((folder / REQUEST).read_bytes(), type=Request)
    note_into(folder / WHERE)
    try:
        _convert(request, folder)
    except EdgeError as error:
        (folder / FAILURE).write_bytes(msgspec.json.encode(Trouble.of(error)))
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _convert(request: Request, folder: Path) -> None:
    try:
        from edge_sdk.converters.pipeline import Outcome, convert_targets
        from edge_sdk.converters.sources import Origin
    except ImportError as error:
        raise DependencyError(
            f"Converting needs packages that are not installed here ({error.name}): "
            "pip install 'edge-sdk[convert]'."
        ) from error
    count = 0

    def settled(outcome: Outcome) -> None:
        nonlocal count
        made = Settled(
            target=outcome.target,
            report=outcome.report,
            trouble=None if outcome.error is None else Trouble.of(outcome.error),
        )
        (folder / f"{SETTLED}-{count}.json").write_bytes(msgspec.json.encode(made))
        count += 1

    paths = {n: None if value is None else Path(value) for n, value in request.paths.items()}
    origin = Origin(
        path=paths["path"], model=request.model, weights=paths["weights"], spec=paths["spec"]
    )
    with StageProgress() as progress:
        convert_targets(
            origin, request.targets, settled=settled, progress=progress, **request.options
        )


def _die_with(parent: int) -> None:
    """Whoever ends the waiting process, by whatever signal, ends the work (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        os._exit(1)


if __name__ == "__main__":
    status = main(sys.argv[1], int(sys.argv[2]))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)

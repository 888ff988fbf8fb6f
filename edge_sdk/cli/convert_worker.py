"""The process in which ``edge-sdk convert`` converts: ``python -m ... FOLDER PARENT``.

See :mod:`edge_sdk.converters.supervise` for what it reads and leaves in the folder.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from pathlib import Path

from edge_sdk.converters.settled import Settled
from edge_sdk.converters.supervise import (
    FAILURE,
    INTERRUPTED,
    REQUEST,
    SETTLED,
    WHERE,
    Request,
    Trouble,
    found_in,
    leave,
)
from edge_sdk.converters.whereabouts import converting, note_into

from ..errors import DependencyError, EdgeError
from .output import unforeseen
from .progress import StageProgress

_PR_SET_PDEATHSIG = 1


def main(place: str, parent: int) -> int:
    """Convert; 0 where every target is settled, 1 where an error concerned them all."""
    _die_with(parent)
    folder = Path(place)
    request = found_in(folder / REQUEST, Request)
    note_into(folder / WHERE)
    try:
        _convert(request, folder)
    except (EdgeError, OSError, MemoryError) as error:
        leave(folder / FAILURE, _trouble(error))
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    return 0


def _convert(request: Request, folder: Path) -> None:
    try:
        from edge_sdk.converters.pipeline import Outcome, convert, convert_targets
        from edge_sdk.converters.sources import Origin, source_readers

        source_readers()
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
        leave(folder / f"{SETTLED}-{count}.json", made)
        count += 1

    paths = {n: None if value is None else Path(value) for n, value in request.paths.items()}
    origin = Origin(
        path=paths["path"], model=request.model, weights=paths["weights"], spec=paths["spec"]
    )
    options = request.options
    with StageProgress() as progress, converting():
        if request.several:
            convert_targets(origin, request.targets, settled=settled, progress=progress, **options)
        else:
            (target,) = request.targets
            report = convert(origin, target=target or None, progress=progress, **options)
            settled(Outcome(target=target, report=report))


def _trouble(error: EdgeError | OSError | MemoryError) -> Trouble:
    if isinstance(error, EdgeError):
        return Trouble.of(error)
    kind, sentence = unforeseen(error)
    return Trouble(kind=kind, message=sentence)


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

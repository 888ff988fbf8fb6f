"""Conversion in a process of its own: what dies there is a sentence, and fails its target alone.

Nothing here imports torch: the process that waits stays small.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from edge_sdk.errors import CrashError, EdgeError, ending

from .whereabouts import Whereabouts

if TYPE_CHECKING:
    from .settled import Settled

#: With what the worker ends that was interrupted.
INTERRUPTED = 130
# As ``python -m``, but for the current folder, whose files are not to stand in for packages.
_START = (
    "import sys; sys.path[:] = [p for p in sys.path if p]; import runpy; "
    "runpy.run_module(sys.argv.pop(1), run_name='__main__', alter_sys=True)"
)
T = TypeVar("T")
REQUEST, WHERE, SETTLED, FAILURE = "request.json", "where.json", "settled", "failure.json"


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What the worker is to convert: the paths and the name of an origin, and the options.

    An empty target is the recipe's, or this machine. ``several`` makes the output a folder for a
    bundle a target, also where one target is left.
    """

    paths: dict[str, str | None]
    model: str | None
    targets: tuple[str, ...]
    several: bool
    options: dict[str, Any]


class Trouble(msgspec.Struct, frozen=True, kw_only=True):
    """An error on its way from one process to the other."""

    kind: str
    message: str

    @classmethod
    def of(cls, error: EdgeError) -> Trouble:
        """The error as data."""
        return cls(kind=error.kind, message=str(error))

    def error(self) -> EdgeError:
        """The error again, of its own class."""
        error = _classes(EdgeError).get(self.kind, EdgeError)(self.message)
        error.kind = self.kind
        return error


def leave(file: Path, message: Request | Settled | Trouble) -> None:
    """Write what the other process is to read. Paths may have bytes that are no UTF-8."""
    # The standard library's JSON carries those, msgspec's does not.
    file.write_text(json.dumps(msgspec.to_builtins(message, str_keys=True)), "ascii")


def found_in(file: Path, kind: type[T]) -> T:
    """What :func:`leave` has written."""
    return msgspec.convert(json.loads(file.read_text("ascii")), kind, str_keys=True)


def convert_supervised(request: Request, worker: str) -> tuple[Settled, ...]:
    """Convert for every target; one whose converter dies is settled with a :class:`CrashError`.

    The others go on in a new process. Where the stages are cached, they cost nothing again.

    Args:
        request: what to convert.
        worker: the module to run, which answers in the folder that it is given.

    Raises:
        EdgeError: of the kinds that concern all targets, or the only one; see
            :func:`~edge_sdk.converters.pipeline.convert_targets`.
        KeyboardInterrupt: the worker was interrupted.
    """
    done: list[Settled] = []
    left = request.targets
    while left:
        with tempfile.TemporaryDirectory(prefix="edge-sdk-convert-") as place:
            folder = Path(place)
            now = msgspec.structs.replace(request, targets=left)
            leave(folder / REQUEST, now)
            code = subprocess.run(
                [sys.executable, "-c", _START, worker, str(folder), str(os.getpid())],
                stdin=subprocess.DEVNULL,
                check=False,
            ).returncode
            found = _settled(folder, len(left))
            done += found
            left = left[len(found) :]
            if (folder / FAILURE).is_file():
                trouble = found_in(folder / FAILURE, Trouble)
                raise trouble.error()
            if not left:
                break
            if code == INTERRUPTED:
                raise KeyboardInterrupt
            dead = _crash(folder, left, code)
            done += dead
            left = left[len(dead) :]
    return tuple(done)


def _settled(folder: Path, most: int) -> list[Settled]:
    # A report brings numpy along, which this process does without while the worker runs.
    from .settled import Settled

    files = [folder / f"{SETTLED}-{i}.json" for i in range(most)]
    return [found_in(f, Settled) for f in files if f.is_file()]


def _crash(folder: Path, left: Sequence[str], code: int) -> list[Settled]:
    """The target that the worker died on, or all that are left where it died on what they share."""
    from .settled import Settled

    where = Whereabouts()
    if (folder / WHERE).is_file():
        where = msgspec.json.decode((folder / WHERE).read_bytes(), type=Whereabouts)
    hit = left[:1] if where.target else left
    return [
        Settled(
            target=where.target or target,
            trouble=Trouble.of(
                CrashError(
                    f"The converter crashed while {where.words()} ({ending(code)}); nothing was "
                    "written for this target."
                )
            ),
        )
        for target in hit
    ]


def _classes(base: type[EdgeError]) -> dict[str, type[EdgeError]]:
    found = {base.kind: base}
    for child in base.__subclasses__():
        found |= _classes(child)
    return found

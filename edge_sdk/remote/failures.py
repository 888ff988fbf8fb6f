"""What a device's shell says when something fails, as errors of this side."""

from __future__ import annotations

import signal

from ..errors import EdgeError, RemoteError, StorageError
from .transport import Completed

_FULL = ("No space left on device", "Disk quota exceeded", "File too large")
# What a shell adds to the number of a signal.
_SIGNALLED = 128
_REFUSED = ("Permission denied", "Read-only file system", "Operation not permitted")


def check(done: Completed, device: str, what: str) -> Completed:
    """``done``, if it succeeded.

    Args:
        done: a script that ended.
        device: its name.
        what: what it was to do, after "cannot".

    Raises:
        StorageError: the device's disk is full, or the place may not be written.
        RemoteError: it failed otherwise.
    """
    if done.code == 0:
        return done
    raise failure(done, device, what)


def failure(done: Completed, device: str, what: str) -> EdgeError:
    """The error for a script that failed; arguments as for :func:`check`."""
    said = done.err.splitlines()[-1].strip() if done.err else f"exit code {done.code}"
    if any(words in done.err for words in _FULL):
        return StorageError(
            f"{device} cannot {what}: there is no room left on its disk; free some space there "
            "(edge-sdk deploy --keep 1 keeps fewer old versions) and run the command again."
        )
    if any(words in done.err for words in _REFUSED):
        return StorageError(
            f"{device} cannot {what}: {said}. Choose another folder in the address, or change "
            "its permissions there."
        )
    if done.code > _SIGNALLED:
        return RemoteError(f"{device} cannot {what}: {_killed(done.code - _SIGNALLED)}.")
    return RemoteError(f"{device} cannot {what}: {said}.")


def _killed(number: int) -> str:
    try:
        name = signal.Signals(number).name
    except ValueError:
        name = f"signal {number}"
    why = ", as Linux does where memory runs out" if number == signal.SIGKILL else ""
    return f"it was ended there by {name}{why}"

"""The errors a user can meet. Each is one sentence with an exit code of its own.

The command line prints the sentence and exits with :attr:`EdgeError.exit_code`; the Python
interface raises. A new kind of mistake is a new class here, never a bare ``ValueError``.
"""

from __future__ import annotations

import errno
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

#: The exit code of a run over several things of which some failed, each with its own sentence.
SOME_FAILED = 13


class EdgeError(Exception):
    """Base of every error the SDK raises on purpose; says what is wrong, where, and what to do."""

    exit_code = 1
    kind = "error"


class UsageError(EdgeError):
    """The call itself is wrong: an unknown name, a missing or contradictory option."""

    exit_code = 2
    kind = "usage"


class InputError(EdgeError):
    """An input (recording, picture, text, array) cannot be used."""

    exit_code = 3
    kind = "input"


class BundleError(EdgeError):
    """A bundle is damaged, unsafe, of another schema, or does not reproduce its golden outputs."""

    exit_code = 4
    kind = "bundle"


class BudgetError(EdgeError):
    """No candidate met the accuracy, size or latency budget; nothing was written."""

    exit_code = 5
    kind = "budget"


class EngineError(EdgeError):
    """The inference engine asked for is missing, or cannot run the graph it was given."""

    exit_code = 6
    kind = "engine"


class CheckpointError(EdgeError):
    """A checkpoint cannot be read, or does not fit the model it describes."""

    exit_code = 7
    kind = "checkpoint"


class DataError(EdgeError):
    """A sample set is missing, malformed, or too small for what it is asked to do."""

    exit_code = 8
    kind = "data"


class ExportError(EdgeError):
    """A part could not be exported, or its graph does not agree with the model."""

    exit_code = 9
    kind = "export"


class CrashError(ExportError):
    """A converter died, hung, or raised what it never should: no word on the part itself."""

    kind = "crash"


class StorageError(EdgeError):
    """Writing failed: the disk is full, read-only, or the place may not be written."""

    exit_code = 10
    kind = "storage"


class DependencyError(EdgeError):
    """A package that this operation needs is not installed here."""

    exit_code = 11
    kind = "dependency"


class DeviceError(EdgeError):
    """Something of this machine (a tool, a device, a sensor) is missing or does not answer."""

    exit_code = 12
    kind = "device"


class CaptureError(DeviceError):
    """A microphone or camera is missing, cannot be opened, or was given up."""


class RemoteError(EdgeError):
    """A device over ssh cannot be reached, shows an unknown key, or was lost in the middle."""

    exit_code = 14
    kind = "remote"


def ending(code: int) -> str:
    """How a process ended, in words, from its return code: the signal's name, or the exit code."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"


_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@contextmanager
def storage_errors(place: Path) -> Iterator[None]:
    """Turn an :class:`OSError` met while writing below ``place`` into a :class:`StorageError`."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            why = "there is no room left on the disk; free some space and run the command again"
        elif error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
            why = "the place may not be written; choose another one or change its permissions"
        elif error.errno in {errno.ENOENT, errno.ENOTDIR}:
            why = "its folder does not exist; create it first"
        else:
            why = f"{error.strerror or error}"
        raise StorageError(f"Cannot write {place}: {why}.") from error

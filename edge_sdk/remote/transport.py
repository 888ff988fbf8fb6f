"""What is asked of a way to a device. A new one is one module with a class of this protocol."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

import msgspec

#: Called with the bytes that are behind.
Sent = Callable[[int], None]


class Completed(msgspec.Struct, frozen=True, kw_only=True):
    """A script that ended on the device: exit code, standard output, standard error."""

    code: int
    out: bytes = b""
    err: str = ""


class Transport(Protocol):
    """Runs scripts of the POSIX shell on a device, and carries files.

    Every method raises :class:`~edge_sdk.errors.RemoteError` where the device cannot be reached
    or the connection ends in the middle.
    """

    #: The device, as sentences call it.
    name: str

    def run(self, script: str, *, stdin: bytes = b"", timeout: float | None = None) -> Completed:
        """Run ``script`` with ``sh`` in the home folder, to its end.

        Args:
            script: commands for a POSIX shell; messages come in English.
            stdin: what it reads.
            timeout: seconds after which the connection is given up.
        """
        ...

    def append(
        self, local: Path, remote: str, *, offset: int = 0, sent: Sent = lambda done: None
    ) -> Completed:
        """Append ``local`` from byte ``offset`` on to the file ``remote``."""
        ...

    def get(self, remote: str, local: Path) -> Completed:
        """Bring the file ``remote`` here; ``local`` is only there if it came whole."""
        ...

    def hold(self, script: str) -> AbstractContextManager[Completed | None]:
        """Keep ``script`` running for as long as the block runs.

        It prints a line once it holds what it is to hold, and then reads its input to the end. If
        it ended before, the block is given how.
        """
        ...

    def close(self) -> None:
        """Close the connection."""
        ...

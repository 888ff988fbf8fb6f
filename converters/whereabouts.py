"""What a conversion is at, told on: for the sentence about a converter that died in the middle.

A process that a signal ends can say nothing any more; what it noted here before, it has said.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from edge_sdk.errors import CrashError, EdgeError


class Whereabouts(msgspec.Struct, frozen=True, kw_only=True):
    """Where a conversion stands; what is empty has not begun, or is shared by all targets."""

    target: str = ""
    engine: str = ""
    part: str = ""
    precision: str = ""

    def words(self) -> str:
        """As the middle of a sentence."""
        if not self.engine:
            return "exporting and measuring the parts" if not self.target else "converting"
        return f"converting the part {self.part} for {self.engine} in {self.precision}"


class _Notebook:
    """Keeps the whereabouts, and writes them to a file where one is named."""

    def __init__(self) -> None:
        self.now = Whereabouts()
        self.file: Path | None = None

    def write(self, now: Whereabouts) -> None:
        self.now = now
        if self.file is not None:
            self.file.write_bytes(msgspec.json.encode(now))


_NOTES = _Notebook()


def note_into(file: Path | None) -> None:
    """Write the whereabouts of this process to ``file`` from now on."""
    _NOTES.file = file
    _NOTES.write(Whereabouts())


@contextmanager
def converting(
    *, target: str | None = None, engine: str = "", part: str = "", precision: str = ""
) -> Iterator[None]:
    """While the block runs, this is where the conversion stands.

    Raises:
        CrashError: the block raised what is no :class:`EdgeError`; the sentence has the place.
    """
    before = _NOTES.now
    now = Whereabouts(
        target=before.target if target is None else target,
        engine=engine,
        part=part,
        precision=precision,
    )
    _NOTES.write(now)
    try:
        yield
    except (EdgeError, OSError, MemoryError):
        raise
    except Exception as error:  # converters raise whatever their many stages raise
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        raise CrashError(
            f"The converter failed while {now.words()}: {type(error).__name__}: "
            f"{(lines or ['no reason given'])[0][:300].rstrip('.')}."
        ) from error
    finally:
        _NOTES.write(before)

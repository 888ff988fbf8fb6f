"""Outputs are written aside and renamed: a killed command leaves no half file."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .errors import StorageError, storage_errors


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary sibling to write to; takes the place of ``path`` if the block succeeds.

    The block may make the sibling a file or a folder. On any failure the sibling is removed
    and ``path`` is as it was.

    Raises:
        StorageError: the place cannot be written or is full.
    """
    with storage_errors(path):
        # The process id lets a later run tell leftovers of a killed one from work in progress.
        parent = Path(tempfile.mkdtemp(prefix=f".{path.name}.{os.getpid()}.", dir=path.parent))
        try:
            aside = parent / path.name
            yield aside
            _sync(aside)
            if path.is_dir() and not path.is_symlink():
                path.rename(parent / "old")
            aside.replace(path)
        finally:
            # A folder cannot be swapped in one step: on a failure in between, the old one returns.
            if not path.exists() and (parent / "old").exists():
                (parent / "old").rename(path)
            shutil.rmtree(parent, ignore_errors=True)


def is_file(path: Path) -> bool:
    """Whether a file can be seen at ``path``: no for a name that no file can have, too."""
    try:
        return path.is_file()
    except (OSError, ValueError):  # too long, in a folder that may not be searched, a null byte
        return False


def is_folder(path: Path) -> bool:
    """Whether a folder can be seen at ``path``; as :func:`is_file`."""
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def cache_folder(kind: str) -> Path:
    """``kind`` below ``$EDGE_SDK_CACHE``, or below ``edge-sdk`` in the user's cache folder."""
    chosen = os.environ.get("EDGE_SDK_CACHE")
    if chosen:
        return Path(chosen) / kind
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "edge-sdk" / kind


def state_folder() -> Path:
    """What outlives a restart: ``$EDGE_SDK_STATE``, or ``edge-sdk`` in the user's state folder."""
    chosen = os.environ.get("EDGE_SDK_STATE")
    if chosen:
        return Path(chosen)
    base = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(base) / "edge-sdk"


def check_writable(path: Path) -> None:
    """See before long work whether ``path`` can be written at its end.

    Raises:
        StorageError: its folder does not exist or may not be written.
    """
    with storage_errors(path):
        tempfile.TemporaryFile(dir=path.parent).close()


@contextmanager
def filling(folder: Path) -> Iterator[Path]:
    """``folder`` to write files into, made where it is missing; goes again if it stays empty.

    Raises:
        StorageError: a file is in its way, or it cannot be made or written.
    """
    with storage_errors(folder):
        missing = [place for place in (folder, *folder.parents) if not place.exists()]
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError) as error:
            raise StorageError(
                f"Cannot write into {folder}: a file is where a folder is to be; name another one."
            ) from error
    check_writable(folder / "file")
    try:
        yield folder
    finally:
        # Refused where something is inside.
        with suppress(OSError):
            for place in missing:
                place.rmdir()


def remove_leftovers(path: Path) -> None:
    """Remove what killed runs of :func:`replacing` left beside ``path``.

    A folder that such a run had moved out of the way, and not replaced yet, returns first.
    """
    # The whole name must fit: ".a.5.77.xyz" is process 77 writing "a.5", not process 5 writing "a".
    name = re.compile(rf"\.{re.escape(path.name)}\.(\d+)\.[^.]+")
    for leftover in path.parent.glob(".*"):
        found = name.fullmatch(leftover.name)
        if found and not Path(f"/proc/{found[1]}").exists():
            if not path.exists() and (leftover / "old").exists():
                (leftover / "old").rename(path)
            shutil.rmtree(leftover, ignore_errors=True)


def _sync(path: Path) -> None:
    """Flush to the disk, so that the rename does not survive a power cut that the data did not."""
    for entry in [*path.rglob("*"), path] if path.is_dir() else [path]:
        handle = os.open(entry, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

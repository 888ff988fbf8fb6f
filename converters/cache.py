"""Results of stages kept by content: a conversion that was killed picks up where it was.

The code of the stages is part of the key: what another version of the SDK made is not found.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

from edge_sdk.errors import storage_errors
from edge_sdk.files import cache_folder

# Entries not used for so long are removed.
_KEPT_SECONDS = 30 * 24 * 3600
_DIGEST = 32


class StageCache:
    """Bytes by key below one folder; without a folder nothing is kept.

    An entry is its content behind the content's SHA-256, renamed into place when whole: a
    damaged or half-written entry counts as absent.
    """

    def __init__(self, root: Path | None) -> None:
        self._root = root
        if root is not None:
            with storage_errors(root):
                root.mkdir(parents=True, exist_ok=True)
            self._expire(root)

    def get(self, key: str, make: Callable[[], bytes]) -> bytes:
        """The entry of ``key`` (any text), made and kept if absent.

        Raises:
            StorageError: the entry cannot be written.
        """
        known = self.find(key)
        if known is None:
            known = make()
            self.put(key, known)
        return known

    def find(self, key: str) -> bytes | None:
        """The entry of ``key``, if there is one."""
        if self._root is None:
            return None
        path = self._place(self._root, key)
        known = _read(path)
        if known is not None:
            os.utime(path)
        return known

    def put(self, key: str, content: bytes) -> None:
        """Keep ``content`` as the entry of ``key``.

        Raises:
            StorageError: it cannot be written.
        """
        if self._root is None:
            return
        path = self._place(self._root, key)
        with storage_errors(path):
            handle, name = tempfile.mkstemp(dir=self._root, prefix=".")
            aside = Path(name)
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(hashlib.sha256(content).digest() + content)
                aside.replace(path)
            except BaseException:
                aside.unlink(missing_ok=True)
                raise

    @staticmethod
    def _place(root: Path, key: str) -> Path:
        return root / hashlib.sha256(f"{_code()} {key}".encode()).hexdigest()

    @staticmethod
    def _expire(root: Path) -> None:
        oldest = time.time() - _KEPT_SECONDS
        for path in root.iterdir():
            # Another run may remove the same entry.
            with contextlib.suppress(OSError):
                if path.is_file() and path.stat().st_mtime < oldest:
                    path.unlink()


@cache
def _code() -> str:
    """SHA-256 over the sources of the converters."""
    total = hashlib.sha256()
    room = Path(__file__).parent
    for path in sorted(room.rglob("*.py")):
        total.update(f"{path.relative_to(room)} ".encode() + path.read_bytes())
    return total.hexdigest()


def default_cache() -> Path:
    """Where the user's cache keeps them; see :func:`edge_sdk.files.cache_folder`."""
    return cache_folder("convert")


def _read(path: Path) -> bytes | None:
    try:
        stored = path.read_bytes()
    except OSError:
        return None
    digest, content = stored[:_DIGEST], stored[_DIGEST:]
    return content if hashlib.sha256(content).digest() == digest else None

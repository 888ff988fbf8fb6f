"""The two shapes of a bundle on disk, a folder and a stored zip, read alike."""

from __future__ import annotations

import stat
import zipfile
from pathlib import Path, PurePosixPath
from typing import Protocol

from ..errors import BundleError
from ..files import is_file, is_folder

# What zipfile raises for bytes that are no zip, or one it cannot read (flags of encryption).
_DAMAGE = (zipfile.BadZipFile, zipfile.LargeZipFile, OSError, EOFError, ValueError, RuntimeError)


class Container(Protocol):
    """Read access to the files of a bundle, by their names with forward slashes."""

    def names(self) -> tuple[str, ...]:
        """The names of all files, sorted."""
        ...

    def read(self, name: str) -> bytes:
        """The bytes of one file."""
        ...


def open_container(path: Path) -> Container:
    """The container at ``path``.

    Raises:
        BundleError: nothing is there, it is no bundle, or a name in it leaves the bundle.
    """
    if is_file(path):
        return ZipContainer(path)
    if is_folder(path):
        return FolderContainer(path)
    raise BundleError(f"There is no bundle at {path}.")


def check_name(name: str, where: str) -> str:
    """``name`` if it stays inside the bundle.

    Raises:
        BundleError: it is absolute, has ``..`` or a backslash, or is not in its plain form.
    """
    pure = PurePosixPath(name)
    plain = pure.parts and "\\" not in name and "\0" not in name and str(pure) == name
    if not plain or pure.is_absolute() or ".." in pure.parts or ":" in pure.parts[0]:
        raise BundleError(f"{where} names a file outside itself ({name!r}); it is not safe to use.")
    return name


class FolderContainer:
    """A bundle as a folder."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._base = root.resolve()

    def names(self) -> tuple[str, ...]:
        # A link to a folder is listed as well: nothing of a bundle lies behind one.
        files = (p for p in self._root.rglob("*") if p.is_symlink() or not p.is_dir())
        return tuple(sorted(path.relative_to(self._root).as_posix() for path in files))

    def read(self, name: str) -> bytes:
        path = self._root / check_name(name, str(self._root))
        if not is_file(path):
            raise BundleError(f"{self._root} lacks the file {name}, or it is not a plain file.")
        if not path.resolve().is_relative_to(self._base):
            raise BundleError(
                f"{self._root} names a file outside itself ({name!r} is a link that leaves it); "
                "it is not safe to use."
            )
        try:
            return path.read_bytes()
        except OSError as error:
            raise BundleError(f"{path} cannot be read: {error.strerror}.") from error


class ZipContainer:
    """A bundle as one zip file whose members are stored, not compressed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            with zipfile.ZipFile(path) as archive:
                infos = archive.infolist()
        except _DAMAGE as error:
            raise BundleError(f"{path} is not a bundle, or is damaged: {error}.") from error
        self._names = tuple(sorted(check_name(info.filename, str(path)) for info in infos))
        if len(set(self._names)) != len(self._names):
            raise BundleError(f"{path} holds the same file name twice; it is not safe to use.")
        for info in infos:
            kind = stat.S_IFMT(info.external_attr >> 16)
            if kind not in (0, stat.S_IFREG):
                raise BundleError(f"{path} holds {info.filename!r}, which is not a plain file.")
            # A stored member cannot be larger than the file it lies in.
            if info.compress_type != zipfile.ZIP_STORED:
                raise BundleError(f"{path} holds {info.filename!r} compressed; bundles are stored.")

    def names(self) -> tuple[str, ...]:
        return self._names

    def read(self, name: str) -> bytes:
        try:
            with zipfile.ZipFile(self._path) as archive:
                return archive.read(check_name(name, str(self._path)))
        except KeyError as error:
            raise BundleError(f"{self._path} lacks the file {name}.") from error
        except _DAMAGE as error:
            raise BundleError(f"{name} in {self._path} is damaged: {error}.") from error

"""Clips as stills: PNG or JPEG files with a list of times, in a folder or a zip."""

from __future__ import annotations

import io
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import BinaryIO

import msgspec
import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from .image import read_picture

#: The list of times beside the stills.
TIMES = "times.json"
_PICTURES = {".png", ".jpg", ".jpeg"}
# No still is larger; what says it is would fill the memory.
_LARGEST = 1 << 26
# The oldest date a zip can hold: the same frames are the same bytes.
_DATE = (1980, 1, 1, 0, 0, 0)


class _Stills(ABC):
    """Stills by name; the order of the names is the order of the frames."""

    def __init__(self, name: str, background: tuple[int, int, int]) -> None:
        self._name, self._background = name, background
        names = self._list()
        self._stills = sorted(n for n in names if PurePosixPath(n).suffix.lower() in _PICTURES)
        if not self._stills:
            raise InputError(f"There is no PNG or JPEG file in {name}.")
        if TIMES not in names:
            raise InputError(
                f"{_capital(name)} lacks {TIMES}: a list with the time of each of its "
                f"{len(self._stills)} pictures in seconds, in the order of their names."
            )

    @abstractmethod
    def _list(self) -> list[str]: ...

    @abstractmethod
    def _read(self, name: str) -> bytes: ...

    def times(self) -> list[float]:
        """The list of times.

        Raises:
            InputError: it is malformed, or of another length than the stills.
        """
        try:
            times = msgspec.json.decode(self._read(TIMES), type=list[float])
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise InputError(f"{TIMES} in {self._name} is no list of seconds: {error}.") from error
        if len(times) != len(self._stills):
            raise InputError(
                f"{_capital(self._name)} has {len(self._stills)} pictures, and {TIMES} has "
                f"{len(times)} times."
            )
        return times

    def frames(self, wanted: Sequence[int]) -> list[NDArray[np.uint8]]:
        """Those stills, decoded.

        Raises:
            InputError: one cannot be read.
        """
        found = []
        for index in wanted:
            still = self._stills[index]
            try:
                picture = io.BytesIO(self._read(still))
                found.append(read_picture(picture, background=self._background))
            except InputError as error:
                raise InputError(f"The frame {still} of {self._name}: {error}") from error
        return found


class FolderStills(_Stills):
    """Stills in a folder."""

    def __init__(self, path: Path, background: tuple[int, int, int]) -> None:
        self._path = path
        super().__init__(f"the clip {path}", background)

    def _list(self) -> list[str]:
        try:
            return [entry.name for entry in self._path.iterdir() if entry.is_file()]
        except OSError as error:
            raise InputError(f"The clip {self._path} cannot be read: {error.strerror}.") from error

    def _read(self, name: str) -> bytes:
        try:
            return (self._path / name).read_bytes()
        except OSError as error:
            raise InputError(f"{name} cannot be read: {error.strerror}.") from error

    def close(self) -> None:
        """Nothing is open between two reads."""


class ZipStills(_Stills):
    """Stills in a zip."""

    def __init__(
        self, source: Path | BinaryIO, name: str, background: tuple[int, int, int]
    ) -> None:
        try:
            self._zip = zipfile.ZipFile(source)
        except (OSError, zipfile.BadZipFile) as error:
            raise InputError(f"{_capital(name)} is a damaged zip: {error}.") from error
        try:
            super().__init__(name, background)
        except InputError:
            self.close()
            raise

    def _list(self) -> list[str]:
        return self._zip.namelist()

    def _read(self, name: str) -> bytes:
        try:
            if self._zip.getinfo(name).file_size > _LARGEST:
                raise InputError(f"{name} is larger than {_LARGEST >> 20} MB.")
            return self._zip.read(name)
        except (OSError, zipfile.BadZipFile, RuntimeError, ValueError, EOFError) as error:
            # RuntimeError: encrypted, or compressed in a way that this Python does not have.
            raise InputError(f"{name} cannot be taken from the zip: {error}.") from error

    def close(self) -> None:
        """Close the zip."""
        self._zip.close()


def zip_of_stills(stills: Sequence[bytes], times: Sequence[float]) -> bytes:
    """A clip as a zip: encoded PNG files and their times; the same bytes for the same clip."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for number, content in enumerate(stills):
            archive.writestr(zipfile.ZipInfo(f"{number:05}.png", _DATE), content)
        archive.writestr(zipfile.ZipInfo(TIMES, _DATE), msgspec.json.encode(list(times)))
    return buffer.getvalue()


def _capital(name: str) -> str:
    return name[:1].upper() + name[1:]

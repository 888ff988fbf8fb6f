"""Writing a bundle: atomic, and the same bytes for the same content."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path

import msgspec

from ..digest import sha256_hex
from ..errors import StorageError, storage_errors
from ..files import is_file, remove_leftovers, replacing
from .container import check_name
from .manifest import MANIFEST, File, Manifest, encode_manifest

# The oldest date a zip can hold: bundles carry no clock time.
_DATE = (1980, 1, 1, 0, 0, 0)
_UNIX, _PLAIN_FILE = 3, 0o100644 << 16


def write_bundle(path: Path, manifest: Manifest, contents: Mapping[str, bytes]) -> Manifest:
    """Write ``contents`` and the manifest, with its file table filled in, to ``path``.

    A ``path`` that ends in ``.edge`` becomes one stored zip, any other a folder. An older
    bundle at ``path`` is replaced once the new one is whole. Returns the manifest as written.

    Raises:
        StorageError: the place cannot be written, is full, or is a folder with other things in
            it; nothing is left behind.
    """
    check_replaceable(path)
    files = {
        check_name(name, str(path)): File(
            sha256=sha256_hex(contents[name]), size=len(contents[name])
        )
        for name in sorted(contents)
    }
    manifest = msgspec.structs.replace(manifest, files=files)
    everything = {MANIFEST: encode_manifest(manifest), **contents}
    remove_leftovers(path)
    with replacing(path) as aside:
        if path.suffix == ".edge":
            _write_zip(aside, everything)
        else:
            _write_folder(aside, everything)
    return manifest


def check_replaceable(path: Path) -> None:
    """See that a bundle written to ``path`` replaces nothing but a bundle.

    Raises:
        StorageError: a folder is there that is not empty and not a bundle, or, for a bundle
            that would be a folder, a file.
    """
    with storage_errors(path):
        strange = (path.is_dir() and any(path.iterdir()) and not is_file(path / MANIFEST)) or (
            path.suffix != ".edge" and path.is_file()
        )
    if strange:
        raise StorageError(
            f"Cannot write {path}: something that is not a bundle is there, and would be replaced "
            "as a whole. Name a new folder, or a .edge file."
        )


def _write_zip(path: Path, contents: Mapping[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(contents):
            info = zipfile.ZipInfo(name, _DATE)
            info.create_system, info.external_attr = _UNIX, _PLAIN_FILE
            archive.writestr(info, contents[name])


def _write_folder(path: Path, contents: Mapping[str, bytes]) -> None:
    for name in sorted(contents):
        target = path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(contents[name])

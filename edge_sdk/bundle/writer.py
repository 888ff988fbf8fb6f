"""Writing a bundle: atomic, and the same bytes for the same content."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Mapping
from pathlib import Path

import msgspec

from ..files import remove_leftovers, replacing
from .container import check_name
from .manifest import MANIFEST, File, Manifest, encode_manifest

# The oldest date a zip can hold: bundles carry no clock time.
_EPOCH = (1980, 1, 1, 0, 0, 0)


def write_bundle(path: Path, manifest: Manifest, contents: Mapping[str, bytes]) -> Manifest:
    """Write ``contents`` and the manifest, with its file table filled in, to ``path``.

    A ``path`` that ends in ``.edge`` becomes one stored zip, any other a folder. An older
    bundle at ``path`` is replaced once the new one is whole. Returns the manifest as written.

    Raises:
        StorageError: the place cannot be written or is full; nothing is left behind.
    """
    files = {
        check_name(name, str(path)): File(
            sha256=hashlib.sha256(contents[name]).hexdigest(), size=len(contents[name])
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


def _write_zip(path: Path, contents: Mapping[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(contents):
            info = zipfile.ZipInfo(name, _EPOCH)
            info.create_system = 3
            info.external_attr = 0o100644 << 16
            archive.writestr(info, contents[name])


def _write_folder(path: Path, contents: Mapping[str, bytes]) -> None:
    for name in sorted(contents):
        target = path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(contents[name])

"""Sample sets and other files, brought to a device."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping
from pathlib import Path

from ..digest import sha256_hex
from ..errors import InputError
from ..files import is_file, is_folder
from ..samples import INDEX, SampleSet
from .failures import check
from .folder import DeviceFolder, q

_SETS = "samples"


def send_folder(samples: SampleSet, place: DeviceFolder) -> str:
    """Have the sample set on the device; one that is there already is not sent again.

    Returns its folder there.

    Raises:
        StorageError: the device's disk is full, or the folder may not be written.
        RemoteError: the device was lost in the middle.
    """
    names = dict.fromkeys([*(name for s in samples for name in s.paths), INDEX])
    files = {name: samples.path(name) for name in names}
    return _send(files, f"{_SETS}/{samples.digest()[:16]}", place, "store the samples")


def send_files(path: Path, place: DeviceFolder, kind: str) -> str:
    """Have a file, or a folder with all that is below it, on the device, named by its content.

    Args:
        path: here.
        place: on the device.
        kind: the folder of ``place`` that it goes to.

    Returns its path there.

    Raises:
        InputError: there is no such file or folder.
        StorageError: the device's disk is full, or the folder may not be written.
        RemoteError: the device was lost in the middle.
    """
    if is_file(path):
        files = {path.name: path}
    elif is_folder(path):
        files = {str(p.relative_to(path)): p for p in sorted(path.rglob("*")) if p.is_file()}
    else:
        raise InputError(f"There is no file or folder at {path}.")
    known = "\n".join(f"{name} {sha256_hex(file.read_bytes())}" for name, file in files.items())
    there = f"{kind}/{sha256_hex(known.encode())[:16]}"
    folder = _send(files, there, place, f"store the {kind}")
    return f"{folder}/{path.name}" if is_file(path) else folder


def _send(files: Mapping[str, Path], name: str, place: DeviceFolder, what: str) -> str:
    folder = f"{place.path}/{name}"
    run = place.transport.run
    if run(f"[ -d {q(folder)} ]").code == 0:
        return folder
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for inside, file in files.items():
            archive.add(file, inside)
    # The folder has its name once everything is in it.
    done = run(
        f"rm -rf {q(folder)}.part && mkdir -p {q(folder)}.part && "
        f"tar -xf - -C {q(folder)}.part && mv {q(folder)}.part {q(folder)}",
        stdin=packed.getvalue(),
    )
    check(done, place.device, what)
    return folder

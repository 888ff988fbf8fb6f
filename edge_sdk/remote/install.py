"""The runtime on a device: a virtual environment of its own beside the bundles."""

from __future__ import annotations

import shlex
import tarfile
import tempfile
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from ..bundle import Manifest
from ..digest import sha256_hex
from ..errors import UsageError
from ..files import is_file, is_folder
from .failures import check
from .folder import DeviceFolder, q

#: What each engine is called among the extras.
_EXTRAS = {"onnxruntime": "onnx", "litert": "tflite", "tensorrt": "tensorrt"}
FROM_INDEX = "pip"


def extras_for(manifest: Manifest, more: Sequence[str] = ()) -> tuple[str, ...]:
    """The extras that a bundle's editions need, and ``more``."""
    needed = [_EXTRAS[name] for name in manifest.ordered_editions() if name in _EXTRAS]
    return tuple(dict.fromkeys([*needed, *more]))


def install(folder: DeviceFolder, source: str, extras: Sequence[str], python: str) -> bool:
    """Install edge-sdk into ``venv`` there; returns whether anything was done.

    The environment is made aside, and ``venv`` becomes a link to it once it is whole. What is
    installed from is part of its name: the same again costs one question.

    Args:
        folder: on the device.
        source: ``pip`` takes this very version from the index that the device is set up with; a
            wheel is sent, and what it needs comes from that index; from a folder of wheels all
            is sent and nothing fetched.
        extras: such as ``onnx``.
        python: the interpreter there.

    Raises:
        UsageError: there is no such wheel or folder.
        StorageError: the device's disk is full.
        RemoteError: pip failed there, or the device was lost.
    """
    names = ",".join(extras)
    files = _files(source)
    known = "\n".join([names, python, *(f"{f.name} {sha256_hex(f.read_bytes())}" for f in files)])
    if source == FROM_INDEX:
        known += f"\n{version('edge-sdk')}"
    digest = sha256_hex(known.encode())[:16]
    place = f"{folder.path}/venvs/{digest}"
    link = (
        f"ln -sfn venvs/{digest} .venv.new && "
        '{ [ -L venv ] && [ "$(readlink venv)" = "$(readlink .venv.new)" ] || '
        "mv -T .venv.new venv; }; rm -f .venv.new; sync"
    )
    done = folder.transport.run(
        f"cd -- {q(folder.path)} && [ -e {place}/.complete ] && {{ {link}; }}"
    )
    if done.code == 0:
        return False
    # Jetson's TensorRT is part of its system, not of an index.
    system = " --system-site-packages" if "tensorrt" in extras else ""
    interpreter, inside = shlex.quote(python), q(f"{place}/bin/python")
    pip = f"{interpreter} -m pip --python {inside}"
    # A pip of its own takes a small board a minute. The system's installs there as well, if it is
    # 22.3 or newer.
    asked = f'{interpreter} -m pip --python "$(command -v {interpreter})" --version'
    bare = folder.transport.run(asked).code == 0
    if not bare:
        pip = f"{inside} -m pip"
    _run(folder, f"rm -rf {q(place)} && {interpreter} -m venv{' --without-pip' if bare else ''}"
         f"{system} {q(place)}",
         "make a virtual environment (Debian: apt-get install python3-venv)")  # fmt: skip
    wheels = f"{place}/wheels"
    _run(folder, f"mkdir -p {q(wheels)}", "make a folder")
    if files:
        _send(folder, files, wheels)
    if source == FROM_INDEX:
        wanted = f"edge-sdk[{names}]=={version('edge-sdk')}"
    else:
        own = next(f for f in files if f.name.startswith("edge_sdk-"))
        wanted = f"{wheels}/{own.name}[{names}]"
    offline = f" --no-index --find-links {q(wheels)}" if len(files) > 1 else ""
    _run(folder, f"{pip} install --quiet --disable-pip-version-check"
         f"{offline} {shlex.quote(wanted)}", f"install {wanted.rpartition('/')[2]}")  # fmt: skip
    _run(folder, f"rm -rf {q(wheels)} && : > {q(place)}/.complete && {link}", "use the new runtime")
    return True


def _files(source: str) -> list[Path]:
    if source == FROM_INDEX:
        return []
    path = Path(source)
    if is_file(path) and path.suffix == ".whl":
        found = [path]
    elif is_folder(path):
        found = sorted(path.glob("*.whl"))
    else:
        raise UsageError(f"{source} is neither a wheel, nor a folder of wheels, nor 'pip'.")
    if not any(file.name.startswith("edge_sdk-") for file in found):
        raise UsageError(f"{source} is no wheel of edge-sdk and has none.")
    return found


def _send(folder: DeviceFolder, files: Sequence[Path], wheels: str) -> None:
    """All in one file: a device answers slowly, and a cut-off transfer goes on where it was."""
    with tempfile.TemporaryDirectory(prefix="edge-sdk-install-") as temporary:
        packed = Path(temporary) / "wheels.tar"
        with tarfile.open(packed, mode="w") as archive:
            for file in files:
                archive.add(file, file.name)
        part, _ = folder.receive(packed)
    _run(folder, f"tar -xf {q(part)} -C {q(wheels)} && rm -f {q(part)}", "store the wheels")


def _run(folder: DeviceFolder, script: str, what: str) -> None:
    done = folder.transport.run(f"cd -- {q(folder.path)} && {{ {script}; }}")
    check(done, folder.device, what)

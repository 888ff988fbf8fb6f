"""The runtime on a device: a virtual environment of its own beside the bundles."""

from __future__ import annotations

import shlex
import tarfile
import tempfile
import zipfile
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
    installed from is part of its name: the same again costs one question. From a folder, what is
    not edge-sdk goes below ``libs``, so that the next version of edge-sdk finds it there.

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
    own = next((file for file in files if _is_own(file)), None)
    others = [file for file in files if not _is_own(file)]
    shared = _digest(names, python, *map(_line, others), *([] if own is None else _needs(own)))
    digest = _digest(shared, *([version("edge-sdk")] if own is None else [_line(own)]))
    place, libs = f"{folder.path}/venvs/{digest}", f"{folder.path}/libs/{shared}"
    link = (
        f"ln -sfn venvs/{digest} .venv.new && "
        '{ [ -L venv ] && [ "$(readlink venv)" = "$(readlink .venv.new)" ] || '
        "mv -T .venv.new venv; }; rm -f .venv.new; sync"
    )
    if _there(folder, place, then=link):
        return False
    interpreter = shlex.quote(python)
    # A pip of its own takes a small board a minute. The system's installs there as well, if it is
    # 22.3 or newer.
    asked = f'{interpreter} -m pip --python "$(command -v {interpreter})" --version'
    bare = folder.transport.run(asked).code == 0
    # Jetson's TensorRT is part of its system, not of an index.
    system = " --system-site-packages" if "tensorrt" in extras else ""
    maker = _Maker(folder, interpreter, bare, system)
    if own is None:
        wanted = f"edge-sdk[{names}]=={version('edge-sdk')}"
        maker.make(place, [], wanted)
    elif not others or not bare:
        maker.make(place, files, f"{own.name}[{names}]")
    else:
        if not _there(folder, libs):
            maker.make(libs, files, f"{own.name}[{names}]")
            sites = f"{q(libs)}/lib/python*/site-packages"
            _run(folder, f"rm -rf {sites}/edge_sdk {sites}/edge_sdk-* && sync && "
                 f": > {q(libs)}/.complete", "set the libraries aside")  # fmt: skip
        maker.make(place, [own], own.name, libs=libs)
    _run(folder, f": > {q(place)}/.complete && {link}", "use the new runtime")
    return True


class _Maker:
    """Makes virtual environments.

    Args:
        folder: on the device.
        interpreter: there, for the shell.
        bare: whether the system's pip installs into them; else each has one of its own.
        system: the option of venv that lets them see the system's packages, or nothing.
    """

    def __init__(self, folder: DeviceFolder, interpreter: str, bare: bool, system: str) -> None:
        self._folder, self._interpreter = folder, interpreter
        self._bare, self._system = bare, system

    def make(self, place: str, files: Sequence[Path], wanted: str, *, libs: str = "") -> None:
        """One environment at ``place`` with ``wanted``: the name of one of ``files``, or of the
        index. Several files are all that is taken; with ``libs``, another environment, so is one.
        """
        folder = self._folder
        inside = q(f"{place}/bin/python")
        bare = " --without-pip" if self._bare else ""
        _run(folder, f"rm -rf {q(place)} && "
             f"{self._interpreter} -m venv{bare}{self._system} {q(place)}",
             "make a virtual environment (Debian: apt-get install python3-venv)")  # fmt: skip
        wheels = f"{place}/wheels"
        _run(folder, f"mkdir -p {q(wheels)}", "make a folder")
        options = "--quiet --disable-pip-version-check --no-warn-conflicts"
        if files:
            _send(folder, files, wheels)
            wanted = f"{wheels}/{wanted}"
        if libs:
            options += " --no-index --no-deps"
            _run(folder, f"for site in {q(place)}/lib/python*/site-packages; do "
                 f'echo {q(libs)}/lib/"$(basename "${{site%/*}}")"/site-packages '
                 '> "$site/edge_sdk_libs.pth"; done', "name the libraries")  # fmt: skip
        elif len(files) > 1:
            options += f" --no-index --find-links {q(wheels)}"
        pip = f"{self._interpreter} -m pip --python" if self._bare else f"{inside} -m pip"
        target = f" {inside}" if self._bare else ""
        _run(folder, f"{pip}{target} install {options} {shlex.quote(wanted)}",
             f"install {wanted.rpartition('/')[2]}")  # fmt: skip
        _run(folder, f"rm -rf {q(wheels)}", "remove the wheels")


def _there(folder: DeviceFolder, place: str, *, then: str = ":") -> bool:
    done = folder.transport.run(
        f"cd -- {q(folder.path)} && [ -e {q(place)}/.complete ] && {{ {then}; }}"
    )
    return done.code == 0


def _is_own(file: Path) -> bool:
    return file.name.startswith("edge_sdk-")


def _needs(wheel: Path) -> list[str]:
    """What a wheel requires."""
    with zipfile.ZipFile(wheel) as archive:
        about = next(n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
        lines = archive.read(about).decode().splitlines()
    return [line for line in lines if line.startswith("Requires-")]


def _line(file: Path) -> str:
    return f"{file.name} {sha256_hex(file.read_bytes())}"


def _digest(*lines: str) -> str:
    return sha256_hex("\n".join(lines).encode())[:16]


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
    if not any(map(_is_own, found)):
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

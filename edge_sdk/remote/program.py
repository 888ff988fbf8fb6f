"""``edge-sdk`` on a device: found there, called, and its errors raised here."""

from __future__ import annotations

import shlex
from typing import Any

import msgspec

from ..errors import BundleError, DependencyError, EdgeError, RemoteError
from .failures import failure
from .folder import DeviceFolder
from .transport import Completed

_NOT_FOUND = 127


class Program:
    """The command line on a device.

    Args:
        folder: its own runtime, ``venv``, is taken where it has one, else the ``edge-sdk`` of the
            path.
        command: how to call it instead, as a shell would.
    """

    def __init__(self, folder: DeviceFolder, command: str | None = None) -> None:
        self._folder = folder
        own = shlex.quote(f"{folder.path}/venv/bin/edge-sdk")
        # Unquoted on purpose where the user said it: it is a command with its words.
        self._prefix = (
            f"set -- {command} "
            if command
            else f"set -- $([ -x {own} ] && echo {own} || echo edge-sdk) "
        )

    def run(self, *words: str, timeout: float | None = None) -> Completed:
        """Run it with these words.

        Raises:
            DependencyError: there is no edge-sdk on the device.
            RemoteError: the device was lost.
        """
        # The shell stays: ssh tells the end by a signal as it tells a lost connection.
        script = self._prefix + " ".join(map(shlex.quote, words)) + '; "$@"; exit $?'
        done = self._folder.transport.run(script, timeout=timeout)
        if done.code == _NOT_FOUND:
            raise DependencyError(
                f"There is no edge-sdk on {self._folder.device}: deploy with --install WHEEL (or "
                "--install pip), or say with --edge-sdk how it is called there."
            )
        return done

    def json(self, *words: str, timeout: float | None = None) -> Any:
        """The JSON object that a command prints.

        Raises:
            EdgeError: what the command on the device raised, of the same class.
        """
        done = self.run(*words, timeout=timeout)
        said = decode(done.out)
        error = said.get("error") if isinstance(said, dict) else None
        if isinstance(error, dict):
            raise error_of(str(error.get("kind")))(f"{self._folder.device}: {error.get('message')}")
        if said is None:
            raise failure(done, self._folder.device, f"run edge-sdk {words[0]}")
        return said

    def verify(self, path: str, *words: str) -> dict[str, Any]:
        """Hold the bundle at ``path`` against its golden values, on the device.

        Raises:
            BundleError: it does not reproduce them, or is damaged.
            EngineError: none of its engines is installed there.
        """
        found = self.json("verify", path, "--json", *words)
        if not found.get("ok"):
            failed = [
                f"{stage['stage']} of sample {stage['sample']} with {edition}"
                for edition, one in found.get("editions", {}).items()
                for stage in one["stages"]
                if not stage["ok"]
            ]
            raise BundleError(
                f"The bundle does not reproduce its golden outputs on {self._folder.device}: "
                f"{len(failed)} checks fail, first {failed[0] if failed else 'unknown'}."
            )
        if not isinstance(found, dict):
            raise RemoteError(f"edge-sdk on {self._folder.device} answers in an unknown form.")
        return found


def decode(out: bytes) -> Any:
    """The JSON in ``out``; None: it is none."""
    try:
        return msgspec.json.decode(out)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def error_of(kind: str) -> type[EdgeError]:
    """The class of an error by the ``kind`` that it is printed with."""
    classes: list[type[EdgeError]] = [EdgeError]
    for found in classes:
        if found.kind == kind:
            return found
        classes.extend(found.__subclasses__())
    return EdgeError

"""OpenSSH's own client: its configuration, agent, keys and known hosts are the user's."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from ..errors import DependencyError, RemoteError, UsageError, storage_errors
from ..files import replacing
from .address import Address
from .transport import Completed, Sent

#: The command to connect with, such as ``ssh -F my.conf``; as in rsync's and git's variables.
VARIABLE = "EDGE_SDK_SSH"
_CHUNK = 1 << 16
# The longest path of a socket is 108 bytes; ssh adds a hash and, while it connects, a suffix.
_LONGEST_FOLDER = 40
# Nobody is asked anything: a host whose key is not known yet is refused.
_OPTIONS = (
    ("BatchMode", "yes"),
    ("ConnectTimeout", "20"),
    ("ServerAliveInterval", "15"),
    ("ServerAliveCountMax", "4"),
    ("ControlMaster", "auto"),
    ("ControlPersist", "60"),
)


class OpenSsh:
    """A device reached with the ``ssh`` of this machine, over one connection for all calls.

    Host keys are verified as the user's configuration says; by default one that is not among the
    known hosts is refused.

    Args:
        address: the device.
        command: what to connect with; None: ``$EDGE_SDK_SSH``, or ``ssh``.

    Attributes:
        program: ``command`` as it was given.

    Raises:
        DependencyError: there is no such program.
    """

    def __init__(self, address: Address, command: str | None = None) -> None:
        self.address = address
        self.name = address.host
        self.program = command
        try:
            program = shlex.split(command or os.environ.get(VARIABLE) or "ssh")
        except ValueError as error:
            raise UsageError(f"The command for ssh cannot be read: {error}.") from error
        if not program or shutil.which(program[0]) is None:
            raise DependencyError(
                f"There is no program {program[0] if program else command!r} here to connect with; "
                "install OpenSSH's client (Debian: apt-get install openssh-client)."
            )
        folder = tempfile.gettempdir()
        if len(folder) > _LONGEST_FOLDER:
            folder = "/tmp"
        self._sockets = tempfile.TemporaryDirectory(prefix="edge-sdk-", dir=folder)
        self._command = [*program]
        for name, value in (*_OPTIONS, ("ControlPath", f"{self._sockets.name}/%C")):
            self._command += ["-o", f"{name}={value}"]
        if address.port is not None:
            self._command += ["-p", str(address.port)]
        if address.user is not None:
            self._command += ["-l", address.user]

    def __enter__(self) -> OpenSsh:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def run(self, script: str, *, stdin: bytes = b"", timeout: float | None = None) -> Completed:
        with self._started(script) as process:
            try:
                out, err = process.communicate(stdin, timeout=timeout)
            except subprocess.TimeoutExpired as error:
                raise RemoteError(
                    f"{self.name} did not answer within {timeout:g} seconds."
                ) from error
            return self._ended(process.returncode, out, err)

    def append(
        self, local: Path, remote: str, *, offset: int = 0, sent: Sent = lambda done: None
    ) -> Completed:
        with local.open("rb") as file, self._started(f"cat >> {shlex.quote(remote)}") as process:
            file.seek(offset)
            assert process.stdin is not None
            # A device that stopped reading says why on standard error.
            with contextlib.suppress(BrokenPipeError):
                for chunk in iter(lambda: file.read(_CHUNK), b""):
                    process.stdin.write(chunk)
                    offset += len(chunk)
                    sent(offset)
            with contextlib.suppress(BrokenPipeError):
                process.stdin.close()
            # It is closed: communicate() is not to flush it again.
            process.stdin = None
            out, err = process.communicate()
            return self._ended(process.returncode, out, err)

    def get(self, remote: str, local: Path) -> Completed:
        done = self.run(f"cat {shlex.quote(remote)}")
        if done.code == 0:
            with replacing(local) as aside, storage_errors(local):
                aside.write_bytes(done.out)
        return done

    @contextmanager
    def hold(self, script: str) -> Iterator[Completed | None]:
        with self._started(script) as process:
            assert process.stdout is not None
            if process.stdout.readline():
                yield None
                process.communicate()
            else:
                out, err = process.communicate()
                yield self._ended(process.returncode, out, err)

    def close(self) -> None:
        subprocess.run(
            [*self._command, "-O", "exit", "--", self.address.host],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
        )
        self._sockets.cleanup()

    @contextmanager
    def _started(self, script: str) -> Iterator[subprocess.Popen[bytes]]:
        # The login shell there may be any: it only has to start sh.
        wrapped = f"exec sh -c {shlex.quote('LC_ALL=C; export LC_ALL; ' + script)}"
        process = subprocess.Popen(
            [*self._command, "--", self.address.host, wrapped],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout, process.stderr):
                _close(pipe)

    def _ended(self, code: int, out: bytes, err: bytes) -> Completed:
        said = err.decode(errors="replace").strip()
        # 255 is ssh's own: no script here ends with it.
        if code == 255 or code < 0:
            raise RemoteError(_why(self.address, said.splitlines()))
        return Completed(code=code, out=out, err=said)


def _close(pipe: IO[bytes] | None) -> None:
    if pipe is not None:
        with contextlib.suppress(BrokenPipeError):
            pipe.close()


def _why(address: Address, lines: Sequence[str]) -> str:
    """A sentence from what ssh said last."""
    said = " ".join(lines[-3:])
    to = f"-p {address.port} " if address.port else ""
    to += f"{address.user}@{address.host}" if address.user else address.host
    if "IDENTIFICATION HAS CHANGED" in "".join(lines):
        return (
            f"{address.host} shows another host key than the known one, so nothing was sent to "
            "it. If the device was set up anew, remove the old key with ssh-keygen -R and "
            f"connect once by hand: ssh {to}"
        )
    if "Host key verification failed" in said:
        return (
            f"The host key of {address.host} is not among the known ones, so nothing was sent to "
            f"it. Connect once by hand, compare and accept its key: ssh {to}"
        )
    if "Permission denied" in said:
        return (
            f"{address.host} refuses to let this user in ({said}). Put your public key there: "
            f"ssh-copy-id {to}"
        )
    if not said:
        return f"The connection to {address.host} ended in the middle; run the command again."
    return f"{address.host} cannot be reached: {said.rstrip('.')}."

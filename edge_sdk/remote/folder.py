"""The folder on a device that deployments go to.

::

    releases/<digest>/bundle.edge     a bundle, named by the digest of its manifest
    releases/<digest>/deployed.json   what it is, and since when it is here
    current -> releases/<digest>      what programs on the device open: current/bundle.edge
    previous -> releases/<digest>     what a rollback returns to
    venv -> venvs/<digest>            the runtime, where a deployment installed it
    libs/<digest>                     what it needs, where that came from a folder of wheels
    .incoming/<sha256>.part           what has arrived of a file so far

Links are made aside and renamed, so that ``current`` is at every moment the old version or the
new one.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path

import msgspec

from ..digest import sha256_hex
from ..errors import RemoteError, StorageError, UsageError
from .failures import check
from .transport import Transport

BUNDLE = "bundle.edge"
_NOTE = "deployed.json"
_MARGIN = 1 << 20
_BUSY = 75


class Release(msgspec.Struct, frozen=True, kw_only=True):
    """One bundle on a device.

    Attributes:
        digest: of its manifest.
        name: of the model.
        target: that it was made for.
        sha256: of the file.
        size: in bytes.
        date: when it was put there, ISO 8601, UTC, by the clock of the host that did.
    """

    digest: str
    name: str
    target: str
    sha256: str
    size: int
    date: str


class State(msgspec.Struct, frozen=True, kw_only=True):
    """What is there: releases from the one used last to the oldest, and two digests of them."""

    releases: tuple[Release, ...]
    current: str | None
    previous: str | None


class DeviceFolder:
    """The folder, by way of a transport.

    Args:
        transport: the way to the device.
        folder: absolute, or below home.
        make: whether it is made where it is missing.

    Attributes:
        path: absolute, on the device.

    Raises:
        StorageError: the folder cannot be made or written.
        UsageError: there is no such folder, and it is not to be made.
        RemoteError: the device cannot be reached.
    """

    def __init__(self, transport: Transport, folder: str, *, make: bool = True) -> None:
        self.transport = transport
        self.device = transport.name
        if not make and transport.run(f"[ -d {q(folder)}/releases ]").code != 0:
            raise UsageError(f"No bundle has been deployed to {folder} on {self.device} yet.")
        done = transport.run(
            f"mkdir -p -- {q(folder)}/releases {q(folder)}/.incoming && cd -- {q(folder)} && "
            ": > .writable && rm .writable && pwd -P"
        )
        check(done, self.device, f"write to {folder}")
        self.path = done.out.decode().rstrip("\n")

    def file(self, digest: str) -> str:
        """The path of a release's bundle."""
        return f"{self.path}/releases/{digest}/{BUNDLE}"

    @property
    def current_file(self) -> str:
        """The path that programs on the device open."""
        return f"{self.path}/current/{BUNDLE}"

    def state(self) -> State:
        """Look at what is there."""
        done = self._run(
            "for name in current previous; do "
            'printf "%s %s\\n" $name "$(readlink $name || true)"; done; '
            f"for d in $(ls -t releases); do if [ -f releases/$d/{BUNDLE} ]; then "
            f'printf "release %s\\n" "$(cat releases/$d/{_NOTE})"; fi; done',
            "list its versions",
        )
        links: dict[str, str] = {}
        releases = []
        for line in done.decode(errors="replace").splitlines():
            kind, _, rest = line.partition(" ")
            if kind == "release":
                try:
                    releases.append(msgspec.json.decode(rest, type=Release))
                except msgspec.DecodeError:
                    continue  # not put there by a deployment
            elif rest:
                links[kind] = rest.rpartition("/")[2]
        known = {release.digest for release in releases}
        current, previous = links.get("current"), links.get("previous")
        return State(
            releases=tuple(releases),
            current=current if current in known else None,
            previous=previous if previous in known and previous != current else None,
        )

    @contextmanager
    def alone(self) -> Iterator[None]:
        """No other deployment to this folder as long as the block runs.

        Raises:
            RemoteError: another one is running.
        """
        # Without flock, or once the connection is gone, nothing is held.
        script = (
            f"cd -- {q(self.path)} && exec 9> .lock && "
            f"if command -v flock > /dev/null; then flock -n 9 || exit {_BUSY}; fi; "
            "echo; cat > /dev/null"
        )
        with self.transport.hold(script) as ended:
            if ended is not None and ended.code == _BUSY:
                raise RemoteError(
                    f"Another deployment to {self.path} on {self.device} is running; wait for it."
                )
            if ended is not None:
                check(ended, self.device, f"write to {self.path}")
            yield

    def holds(self, digest: str, sha256: str) -> bool:
        """Whether the release is there, every byte of it."""
        return self.sha256(self.file(digest)) == sha256

    def sha256(self, path: str) -> str | None:
        """SHA-256 of a file there, as hex; None: there is none."""
        done = self.transport.run(f"[ ! -f {q(path)} ] || sha256sum < {q(path)}")
        return check(done, self.device, f"read {path}").out.decode()[:64] or None

    def receive(
        self, local: Path, *, sent: Callable[[int], None] = lambda done: None
    ) -> tuple[str, int]:
        """Bring a file into ``.incoming``; what an earlier try left there is not sent again.

        Returns its path there, and how many bytes were sent now.

        Raises:
            StorageError: the device's disk is full, or may not be written.
            RemoteError: the connection ended, or the file arrived damaged twice.
        """
        content = local.read_bytes()
        sha256, size = sha256_hex(content), len(content)
        part = f"{self.path}/.incoming/{sha256}.part"
        total = 0
        for _ in range(2):
            offset = self._size(part)
            if offset > size:
                self._run(f"rm -f {q(part)}", "remove a file")
                offset = 0
            self._check_room(size - offset)
            if offset < size:
                done = self.transport.append(local, part, offset=offset, sent=sent)
                check(done, self.device, f"store {local.name}")
                total += size - offset
            if self.sha256(part) == sha256:
                return part, total
            # What was there was no beginning of this file after all: once more, from its start.
            self._run(f"rm -f {q(part)}", "remove a file")
        raise RemoteError(f"{local.name} arrives damaged on {self.device}; look at its disk.")

    def admit(self, part: str, release: Release) -> None:
        """Make what :meth:`receive` brought a release. It is not current yet."""
        folder = f"releases/{release.digest}"
        note = msgspec.json.encode(release)
        self._run(
            f"mkdir -p {folder} && cat > {folder}/.note && "
            f"mv {folder}/.note {folder}/{_NOTE} && sync && "
            f"mv {q(part)} {folder}/{BUNDLE} && sync",
            "store the bundle",
            stdin=note,
        )

    def activate(self, digest: str, previous: str | None) -> None:
        """Make a release the current one, and ``previous`` what a rollback returns to."""
        # The new version first: cut in between, both links name what works.
        script = f"touch releases/{digest} && {_link('current', f'releases/{digest}')}"
        if previous is not None and previous != digest:
            script += f" && {_link('previous', f'releases/{previous}')}"
        self._run(f"sync && {script} && sync", "switch to the new version")

    def discard(self, digest: str) -> None:
        """Remove a release; neither the current nor the previous one."""
        self._run(f"rm -rf releases/{digest}", "remove a version")

    def prune(self, keep: int) -> tuple[str, ...]:
        """Keep the ``keep`` releases used last, the current and the previous one among them."""
        state = self.state()
        fixed = {state.current, state.previous}
        spare = [r.digest for r in state.releases if r.digest not in fixed]
        gone = spare[max(0, keep - len(fixed - {None})) :]
        for digest in gone:
            self.discard(digest)
        # What other deployments left half done, a week ago or more.
        self._run("find .incoming -type f -mtime +7 -exec rm -f {} +", "clear .incoming")
        return tuple(gone)

    def _size(self, path: str) -> int:
        done = self._run(f"[ ! -f {q(path)} ] || wc -c < {q(path)}", f"read {path}")
        return int(done.decode().strip() or 0)

    def _check_room(self, size: int) -> None:
        lines = self._run("df -Pk .", "say how full its disk is").decode().splitlines()
        try:
            free = int(lines[-1].split()[3]) * 1024
        except (IndexError, ValueError):
            return  # the writing itself will tell
        if free < size + _MARGIN:
            raise StorageError(
                f"{self.device} has {free / 1e6:.1f} MB left for {self.path} and "
                f"{(size + _MARGIN) / 1e6:.1f} MB are needed; free some space there."
            )

    def _run(self, script: str, what: str, *, stdin: bytes = b"") -> bytes:
        done = self.transport.run(f"cd -- {q(self.path)} && {{ {script}; }}", stdin=stdin)
        return check(done, self.device, f"{what} in {self.path}").out


def release_of(digest: str, name: str, target: str, file: Path) -> Release:
    """The note that goes with a bundle's file."""
    content = file.read_bytes()
    return Release(
        digest=digest,
        name=name,
        target=target,
        sha256=sha256_hex(content),
        size=len(content),
        date=datetime.now(timezone.utc).isoformat(timespec="seconds"),
    )


def q(word: str) -> str:
    """``word`` for the shell there; never taken for an option."""
    return shlex.quote(f"./{word}" if word.startswith("-") else word)


def _link(name: str, target: str) -> str:
    return f"rm -f .{name}.new && ln -s {target} .{name}.new && mv -T .{name}.new {name}"

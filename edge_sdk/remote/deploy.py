"""Putting a bundle on a device, and going back."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from ..bundle import Bundle, write_bundle
from ..errors import BundleError, EdgeError, StorageError, UsageError
from ..files import is_file
from .failures import failure
from .folder import DeviceFolder, Release, release_of
from .install import extras_for, install
from .program import Program
from .transport import Transport

Progress = Callable[[str, int, int], None]


class DeployOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How to deploy.

    Attributes:
        install: ``pip``, a wheel, or a folder of wheels to install on the device; None: what is
            installed there is used.
        extras: of edge-sdk to install beside those of the bundle's engines, such as ``speech``.
        python: the interpreter there that the runtime is installed for.
        edge_sdk: how edge-sdk is called there; None: as :class:`Program` finds it.
        keep: releases that stay on the device, the current and the previous one among them.
        engine: the edition to verify with; ``all``: every one that is installed there.
        then: a command to run there once the version is current; if it fails, the version
            before becomes current again.
    """

    install: str | None = None
    extras: tuple[str, ...] = ()
    python: str = "python3"
    edge_sdk: str | None = None
    keep: int = 3
    engine: str = "all"
    then: str | None = None


class Deployed(msgspec.Struct, frozen=True, kw_only=True):
    """What was done.

    Attributes:
        device: its name.
        path: what programs on the device open.
        release: what is current now.
        previous: the digest of what a rollback returns to.
        sent: bytes; 0: it was there already.
        installed: whether the runtime was installed.
        checks: how many golden checks hold there, by edition.
        engines: versions there, by name.
        removed: digests of older releases.
    """

    device: str
    path: str
    release: Release
    previous: str | None
    sent: int
    installed: bool
    checks: dict[str, int]
    engines: dict[str, str]
    removed: tuple[str, ...]


def deploy(
    bundle: Bundle,
    transport: Transport,
    folder: str,
    options: DeployOptions | None = None,
    *,
    progress: Progress = lambda stage, done, total: None,
) -> Deployed:
    """Put ``bundle`` on a device, verify it there by its golden values, and make it current.

    Until the very end the old version is what runs; whatever happens in between (power, network,
    disk), it stays so, and the same call again goes on where it was.

    Args:
        bundle: to be sent; a folder is packed.
        transport: the way to the device.
        folder: on the device; absolute, or below home.
        options: see there.
        progress: told how far it is.

    Raises:
        BundleError: the bundle is damaged, or misses its golden values on the device.
        EngineError: none of its engines is installed there.
        DependencyError: edge-sdk is not installed there.
        StorageError: the device's disk is full, or the folder may not be written.
        RemoteError: the device cannot be reached, or was lost in the middle.
    """
    options = options or DeployOptions()
    manifest = bundle.manifest
    bundle.check_files()
    place = DeviceFolder(transport, folder)
    with place.alone():
        installed = False
        if options.install is not None:
            progress("install", 0, 1)
            wanted = extras_for(manifest, options.extras)
            installed = install(place, options.install, wanted, options.python)
        before = place.state()
        known = any(r.digest == manifest.digest for r in before.releases)
        release, sent = stage(bundle, place, progress)
        progress("verify", 0, 1)
        program = Program(place, options.edge_sdk)
        try:
            found = program.verify(place.file(release.digest), "--engine", options.engine)
        except (BundleError, StorageError):
            if not known:
                place.discard(release.digest)
            raise
        previous = before.previous
        if before.current != release.digest:
            previous = before.current
            place.activate(release.digest, previous)
        if options.then is not None:
            progress("then", 0, 1)
            _then(place, options.then, release.digest, before.current, before.previous)
        removed = place.prune(options.keep)
    return _deployed(place, release, previous, found, sent, installed, removed)


def stage(
    bundle: Bundle,
    place: DeviceFolder,
    progress: Progress = lambda stage, done, total: None,
) -> tuple[Release, int]:
    """Have every byte of ``bundle`` on the device, beside the current release.

    Returns the release, which lies at ``place.file(release.digest)`` and is neither verified nor
    current, and how many bytes were sent: 0, if it was there.

    Raises:
        StorageError: the device's disk is full, or the folder may not be written.
        RemoteError: the device was lost in the middle.
    """
    manifest = bundle.manifest
    with tempfile.TemporaryDirectory(prefix="edge-sdk-deploy-") as temporary:
        file = _packed(bundle, Path(temporary))
        release = release_of(manifest.digest, manifest.name, manifest.target.name, file)
        if place.holds(release.digest, release.sha256):
            return release, 0
        progress("send", 0, release.size)
        part, sent = place.receive(file, sent=lambda done: progress("send", done, release.size))
        place.admit(part, release)
        return release, sent


def roll_back(transport: Transport, folder: str, options: DeployOptions | None = None) -> Deployed:
    """Make the previous release current again, once it is verified on the device.

    What was current becomes the previous one.

    Raises:
        UsageError: there is no previous release.
        EdgeError: as :func:`deploy`.
    """
    options = options or DeployOptions()
    place = DeviceFolder(transport, folder, make=False)
    with place.alone():
        state = place.state()
        if state.previous is None:
            raise UsageError(
                f"There is no previous version in {place.path} on {place.device} to return to."
            )
        release = next(r for r in state.releases if r.digest == state.previous)
        found = Program(place, options.edge_sdk).verify(
            place.file(release.digest), "--engine", options.engine
        )
        place.activate(release.digest, state.current)
        if options.then is not None:
            _then(place, options.then, release.digest, state.current, state.previous)
    return _deployed(place, release, state.current, found, 0, False, ())


def _packed(bundle: Bundle, temporary: Path) -> Path:
    if is_file(bundle.path):
        return bundle.path
    file = temporary / "bundle.edge"
    write_bundle(file, bundle.manifest, {name: bundle.read(name) for name in bundle.manifest.files})
    return file


def _then(
    place: DeviceFolder, command: str, digest: str, current: str | None, previous: str | None
) -> None:
    done = place.transport.run(command)
    if done.code == 0:
        return
    error: EdgeError = failure(done, place.device, f"run {command!r} with the new version")
    if current is None or current == digest:
        raise error
    place.activate(current, previous)
    raise type(error)(f"{error} The version before is current again.")


def _deployed(
    place: DeviceFolder,
    release: Release,
    previous: str | None,
    found: dict[str, Any],
    sent: int,
    installed: bool,
    removed: tuple[str, ...],
) -> Deployed:
    editions = found["editions"]
    return Deployed(
        device=place.device,
        path=place.current_file,
        release=release,
        previous=previous,
        sent=sent,
        installed=installed,
        checks={name: len(one["stages"]) for name, one in editions.items()},
        engines={n: v for one in editions.values() for n, v in one["engines"].items()},
        removed=removed,
    )

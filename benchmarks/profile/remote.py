"""A profile that another device makes of itself."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from edge_sdk.bundle import Bundle
from edge_sdk.remote import DeployOptions, DeviceFolder, Program, Transport, send_folder, stage
from edge_sdk.remote.failures import failure
from edge_sdk.remote.install import extras_for, install
from edge_sdk.remote.program import decode, error_of
from edge_sdk.samples import SampleSet

from .options import ProfileOptions
from .result import ProfileResult, decode_result

Progress = Callable[[str, int, int], None]


def profile_on(
    bundle: Bundle,
    transport: Transport,
    folder: str,
    options: ProfileOptions | None = None,
    way: DeployOptions | None = None,
    *,
    progress: Progress = lambda stage, done, total: None,
) -> ProfileResult:
    """Measure ``bundle`` on a device, with the edge-sdk there.

    The bundle is put beside the release that is current there, which stays so. Device, software
    and sensors in the result are the device's.

    Args:
        bundle: to measure.
        transport: the way to the device.
        folder: on the device, as for :func:`edge_sdk.remote.deploy`.
        options: of the profile; ``samples`` is a set here and is sent, ``cache`` a path there.
        way: ``install``, ``python`` and ``edge_sdk`` of these are used.
        progress: told how far it is.

    Raises:
        EdgeError: what the profiler raised there, of the same class.
        DependencyError: edge-sdk is not installed there.
        StorageError: the device's disk is full, or the folder may not be written.
        RemoteError: the device cannot be reached, or was lost in the middle.
    """
    options, way = options or ProfileOptions(), way or DeployOptions()
    bundle.check_files()
    place = DeviceFolder(transport, folder)
    with place.alone():
        if way.install is not None:
            progress("install", 0, 1)
            install(place, way.install, extras_for(bundle.manifest, way.extras), way.python)
        release, _ = stage(bundle, place, progress)
        if options.samples is not None:
            there = send_folder(SampleSet.open(options.samples), place)
            options = msgspec.structs.replace(options, samples=there)
        progress("measure", 0, 1)
        words = ["profile", place.file(release.digest), "--json", "-", *_words(options)]
        done = Program(place, way.edge_sdk).run(*words)
    if done.code != 0:
        said = decode(done.out)
        if isinstance(said, dict) and "error" in said:
            error = said["error"]
            raise error_of(error["kind"])(f"{place.device}: {error['message']}")
        raise failure(done, place.device, "measure")
    return decode_result(done.out, f"What {place.device} measured")


def _words(options: ProfileOptions) -> list[str]:
    """The options as words of the command line."""
    words = ["--layers"] if options.layers else []
    words += ["--back-to-back"] if options.back_to_back else []
    named = {
        "--part": options.part,
        "--engine": options.engine,
        "--threads": options.threads,
        "--samples": options.samples,
        "--rounds": options.rounds,
        "--calls": options.calls,
        "--thermal": options.thermal_minutes,
        "--cache": options.cache,
    }
    for name, value in named.items():
        if value is not None:
            words += [name, str(value)]
    return words

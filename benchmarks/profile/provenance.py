"""Which bundle, on what device."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence

from edge_sdk.bundle import Bundle
from edge_sdk.errors import UsageError
from edge_sdk.runtimes.probes import Reading
from edge_sdk.runtimes.probes.device import this_device
from edge_sdk.runtimes.probes.emulation import detect_emulation
from edge_sdk.targets import detect_local

from .result import BundleInfo, DeviceInfo


def bundle_info(bundle: Bundle, edition: str) -> BundleInfo:
    """What tells this bundle and edition from others."""
    manifest = bundle.manifest
    files = manifest.editions[edition].parts
    variants = [manifest.variant(p, edition) for p in manifest.parts if p.name in files]
    return BundleInfo(
        name=manifest.name,
        digest=manifest.digest,
        target=manifest.target.name,
        edition=edition,
        precisions={
            p.name: manifest.variant(p, edition).precision
            for p in manifest.parts
            if p.name in files
        },
        bytes=bundle.size(),
        graph_bytes=sum(manifest.files[v.file].size for v in variants),
    )


def device_info(readings: Sequence[Reading]) -> DeviceInfo:
    """This device, with the governor and the power mode that the sensors tell."""
    device, emulation = this_device(), detect_emulation()
    try:
        local = detect_local()
        cpu, features = local.cpu, local.features
    except UsageError:
        cpu, features = platform.machine(), ()
    governors = sorted({str(r.value) for r in readings if r.quantity == "governor"})
    return DeviceInfo(
        model=device.model,
        cpu=cpu,
        arch=platform.machine(),
        features=features,
        cores=len(os.sched_getaffinity(0)),
        memory_bytes=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        os=device.os,
        kernel=device.kernel,
        power_mode={r.name: str(r.value) for r in readings if r.quantity == "mode"},
        governor=", ".join(governors) or None,
        emulated=emulation.emulated,
        emulation=emulation.kind,
        evidence=emulation.evidence,
    )

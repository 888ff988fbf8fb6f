"""Where and with what a number was measured; what cannot be read says so."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgspec

from edge_sdk.errors import UsageError
from edge_sdk.runtimes.probes.emulation import detect_emulation
from edge_sdk.targets import load_target

_PACKAGES = ("edge-sdk", "numpy", "onnxruntime", "torch", "kaldi-native-fbank", "msgspec", "pillow")
_GOVERNOR = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
UNKNOWN = "not measured"


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """This machine as the kernel describes it, and the versions of what runs on it."""

    cpu: str
    features: tuple[str, ...]
    cores: int
    memory_mb: int
    system: str
    governor: str
    python: str
    versions: dict[str, str]
    emulated: bool


def this_machine() -> Machine:
    """Describe this machine."""
    try:
        local = load_target("local")
        cpu, features = local.cpu, local.features
    except UsageError:
        cpu, features = platform.machine(), ()
    return Machine(
        cpu=cpu,
        features=features,
        cores=len(os.sched_getaffinity(0)),
        memory_mb=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20,
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        governor=_GOVERNOR.read_text().strip() if _GOVERNOR.is_file() else UNKNOWN,
        python=platform.python_version(),
        versions={name: _version(name) for name in _PACKAGES},
        emulated=detect_emulation().emulated,
    )


def load_average() -> tuple[float, float, float]:
    """The mean number of runnable processes over 1, 5 and 15 minutes."""
    one, five, fifteen = os.getloadavg()
    return round(one, 2), round(five, 2), round(fifteen, 2)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"

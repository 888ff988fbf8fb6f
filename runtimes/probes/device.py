"""What this device is: its model, and the system on it."""

from __future__ import annotations

import platform
from pathlib import Path

import msgspec

from .files import text_of


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """``model`` as the firmware calls it (``Raspberry Pi 5 Model B Rev 1.0``); empty if it does
    not. ``os`` and ``kernel`` as they call themselves."""

    model: str
    os: str
    kernel: str


def this_device(root: Path = Path("/")) -> Device:
    """Describe this device."""
    model = text_of(root / "proc/device-tree/model")
    if not model:
        folder = root / "sys/class/dmi/id"
        names = (text_of(folder / "sys_vendor"), text_of(folder / "product_name"))
        model = " ".join(name for name in names if name)
    try:
        system = platform.freedesktop_os_release().get("PRETTY_NAME", "")
    except OSError:
        system = ""
    return Device(
        model=model,
        os=system or platform.system(),
        kernel=f"{platform.release()} {platform.version()}",
    )

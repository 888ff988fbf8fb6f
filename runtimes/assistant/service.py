"""The assistant as a systemd service: the unit, and what a service tells its manager."""

from __future__ import annotations

import os
import shlex
import socket
from collections.abc import Sequence
from pathlib import Path

from edge_sdk.errors import storage_errors
from edge_sdk.files import replacing

NAME = "edge-sdk-assist.service"
#: Seconds without a sign of life after which systemd starts the service anew.
WATCHDOG = 30

_UNIT = """[Unit]
Description=Smart-speaker assistant, offline
After=sound.target pulseaudio.service pipewire-pulse.service

[Service]
Type=notify
ExecStart={command}
Restart=on-failure
RestartSec=3
WatchdogSec={watchdog}
TimeoutStopSec=10
# Sound and pictures stay on the device: the service has no network to send them over.
{network}
NoNewPrivileges=yes
LockPersonality=yes
RestrictRealtime=no
UMask=0077

[Install]
WantedBy={wanted}
"""


def unit(arguments: Sequence[str], *, page: bool, system: bool) -> str:
    """The text of the unit.

    Args:
        arguments: the command line that runs the assistant, absolute paths throughout.
        page: whether it serves its page: then the loopback address stays reachable.
        system: for the system's manager instead of the user's.
    """
    network = (
        "IPAddressDeny=any\nIPAddressAllow=localhost"
        if page
        else "PrivateNetwork=yes\nRestrictAddressFamilies=AF_UNIX"
    )
    # systemd expands % and $ in ExecStart; a path has them rarely, and then literally.
    command = shlex.join(arguments).replace("%", "%%").replace("$", "$$")
    return _UNIT.format(
        command=command,
        watchdog=WATCHDOG,
        network=network,
        wanted="multi-user.target" if system else "default.target",
    )


def unit_path(*, system: bool) -> Path:
    """Where the unit belongs."""
    if system:
        return Path("/etc/systemd/system") / NAME
    base = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(base) / "systemd" / "user" / NAME


def install(text: str, path: Path) -> None:
    """Write the unit, in the place of an older one.

    Raises:
        StorageError: its folder may not be written.
    """
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as aside:
        aside.write_text(text, encoding="utf-8")


class Manager:
    """The service manager, told over its socket (sd_notify's protocol); without one, nobody."""

    def __init__(self) -> None:
        self._address = os.environ.get("NOTIFY_SOCKET", "")
        self._socket: socket.socket | None = None
        if self._address:
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)

    def tell(self, **fields: str) -> None:
        """Send fields such as ``READY="1"``, ``STATUS="listening"``, ``WATCHDOG="1"``."""
        if self._socket is None:
            return
        # A leading @ stands for the null byte of an abstract address.
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        message = "\n".join(f"{name}={value}" for name, value in fields.items())
        try:
            self._socket.sendto(message.encode(), address)
        except OSError:  # the manager has gone: there is nobody to tell
            self.close()

    def close(self) -> None:
        """Release the socket."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

"""The assistant as a systemd service: the unit, and what a service tells its manager."""

from __future__ import annotations

import contextlib
import os
import shlex
import socket
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from edge_sdk.errors import storage_errors
from edge_sdk.files import replacing

from .events import AssistantEvent, StateChanged

NAME = "edge-sdk-assist.service"
#: Seconds without a sign of life after which systemd starts the service anew.
WATCHDOG = 30
# Seconds between two signs of life, and for which a manager that is busy is waited for.
_SIGN, _PATIENCE = 5.0, 5.0
# Seconds after which a driver that does not come back is for a new process.
_HANGING = 30.0
# Below the system's folder of states.
_STATE = "edge-sdk"

_UNIT = """[Unit]
Description=Smart-speaker assistant, offline
After=sound.target pulseaudio.service pipewire-pulse.service
# A microphone that is plugged in after an hour is found: it is tried for ever.
StartLimitIntervalSec=0

[Service]
Type=notify
ExecStart={command}
{account}Restart=on-failure
RestartSec=3
TimeoutStartSec=180
WatchdogSec={watchdog}
TimeoutStopSec=10
# What was heard is in memory: it must not get into a core dump when the watchdog ends it.
LimitCORE=0
{network}
NoNewPrivileges=yes
LockPersonality=yes
RestrictRealtime=no
UMask=0077

[Install]
WantedBy={wanted}
"""


_ALONE = """# Sound and pictures stay on the device: the service has no network to send them over.
PrivateNetwork=yes
RestrictAddressFamilies=AF_UNIX"""
_PAGE = """# Sound and pictures stay on the device: nothing but itself can be reached, for the page.
IPAddressDeny=any
IPAddressAllow=localhost"""
_CAMERA = "# No lock on the network: the camera is reached over it."


def unit(
    arguments: Sequence[str],
    *,
    page: bool,
    system: bool,
    user: str | None = None,
    network: bool = False,
) -> str:
    """The text of the unit.

    Args:
        arguments: the command line that runs the assistant, absolute paths throughout.
        page: whether it serves its page: then the loopback address stays reachable.
        system: for the system's manager instead of the user's.
        user: whom the system's manager runs it as; None: root.
        network: whether something of it, such as a camera, is reached over the network.
    """
    # systemd expands % and $ in ExecStart; a path has them rarely, and then literally.
    command = shlex.join(arguments).replace("%", "%%").replace("$", "$$")
    account = f"StateDirectory={_STATE}\nEnvironment=EDGE_SDK_STATE=%S/{_STATE}\n" if system else ""
    if user is not None:
        account += f"User={user}\nSupplementaryGroups=audio video\n"
    return _UNIT.format(
        command=command,
        watchdog=WATCHDOG,
        account=account,
        network=_CAMERA if network else _PAGE if page else _ALONE,
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


class Signs:
    """Tells a manager that the devices are open, the state, and that the loop goes round.

    They are told on the loop's own thread: a stage that hangs, hangs them too.

    Args:
        manager: who is told.
        hanging: seconds for which a device's driver has not come back; the loop goes round without
            it, but for long it may not.
    """

    def __init__(self, manager: Manager, hanging: Callable[[], float] = lambda: 0.0) -> None:
        self._manager, self._hanging, self._next = manager, hanging, 0.0
        self._ready = False

    def event(self, event: AssistantEvent) -> None:
        """Take an event of the loop."""
        if isinstance(event, StateChanged):
            self._manager.tell(STATUS=event.after)

    def beat(self) -> None:
        """The loop goes round."""
        now = time.monotonic()
        if not self._ready:
            self._ready = True
            self._manager.tell(READY="1", STATUS="idle")
        if now < self._next:
            return
        self._next = now + self._manager.interval
        if self._hanging() < _HANGING:
            self._manager.tell(WATCHDOG="1")
        else:
            self._manager.tell(STATUS="the driver of the microphone hangs")


class Manager:
    """The service manager, told over its socket (sd_notify's protocol); without one, nobody.

    It never holds up who tells it: what a busy manager has no room for is dropped, but for
    ``READY``, which is said once and waits a while.
    """

    def __init__(self) -> None:
        self._address = os.environ.get("NOTIFY_SOCKET", "")
        self._socket: socket.socket | None = None
        if self._address:
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)

    @property
    def interval(self) -> float:
        """Seconds between two signs of life: a third of what the manager waits for one."""
        given = os.environ.get("WATCHDOG_USEC", "")
        limit = int(given) / 1e6 if given.isdecimal() else float(WATCHDOG)
        return min(_SIGN, limit / 3)

    def tell(self, **fields: str) -> None:
        """Send fields such as ``READY="1"``, ``STATUS="listening"``, ``WATCHDOG="1"``."""
        if self._socket is None:
            return
        # A leading @ stands for the null byte of an abstract address.
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        message = "\n".join(f"{name}={value}" for name, value in fields.items())
        self._socket.settimeout(_PATIENCE if "READY" in fields else 0.0)
        # Full, or gone for now: the next sign of life may reach it again.
        with contextlib.suppress(OSError):
            self._socket.sendto(message.encode(), address)

    def close(self) -> None:
        """Release the socket."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

"""A Raspberry Pi's firmware: under-voltage and throttle flags, and a Pi 5's power by rail."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from edge_sdk.errors import DeviceError

from .files import text_of
from .protocol import Quantity, Reading

#: Bits of the firmware's answer; the same ones 16 higher say "has happened since boot".
FLAGS = {0: "under-voltage", 1: "clock capped", 2: "throttled", 3: "soft temperature limit"}

_RAIL = re.compile(r"^\s*(\w+)_([AV])\s+\w+\(\d+\)=([0-9.]+)[AV]", re.MULTILINE)


class ThrottledProbe:
    """``get_throttled``: read from sysfs where the kernel has it, else by ``vcgencmd``."""

    name = "raspberry-pi-throttled"
    quantities: tuple[Quantity, ...] = ("throttle",)

    def __init__(self, root: Path) -> None:
        found = sorted((root / "sys/devices/platform").glob("soc*/soc*:firmware/get_throttled"))
        self._file = found[0] if found else None
        self._tool = _vcgencmd(root) if self._file is None else None
        if self._bits() is None:
            raise DeviceError("There is no Raspberry Pi firmware to ask for throttle flags.")

    def read(self) -> list[Reading]:
        """1 for every flag that is set now, and one for what has happened since boot."""
        bits = self._bits()
        if bits is None:
            raise DeviceError("the firmware does not answer get_throttled")
        found = [
            Reading(probe=self.name, name=name, quantity="throttle", value=float(bits >> bit & 1))
            for bit, name in FLAGS.items()
        ]
        # It never falls before the next boot: as a count, a change during a run shows.
        before = sum(bits >> (16 + bit) & 1 for bit in FLAGS)
        found.append(
            Reading(
                probe=self.name,
                name="kinds of events since boot",
                quantity="throttle",
                value=float(before),
                counts=True,
            )
        )
        return found

    def _bits(self) -> int | None:
        if self._file is not None:
            text = text_of(self._file)
        elif self._tool is not None:
            text = _ask(self._tool, "get_throttled")
        else:
            text = None
        return parse_throttled(text) if text else None


class PowerManagementProbe:
    """A Raspberry Pi 5's power management chip: volts times amperes over all rails.

    The sum leaves out the regulator's own losses and what hangs on the 5 V pins and USB.
    """

    name = "raspberry-pi-power"
    quantities: tuple[Quantity, ...] = ("power",)

    def __init__(self, root: Path) -> None:
        self._tool = _vcgencmd(root)
        if self._tool is None or not parse_rails(_ask(self._tool, "pmic_read_adc") or ""):
            raise DeviceError("There is no power management chip that tells (a Pi 5 has one).")

    def read(self) -> list[Reading]:
        """Watts of every rail, and their sum."""
        assert self._tool is not None
        rails = parse_rails(_ask(self._tool, "pmic_read_adc") or "")
        if not rails:
            raise DeviceError("vcgencmd pmic_read_adc does not answer")
        found = [self._reading(name, watts, "rail") for name, watts in rails.items()]
        return [*found, self._reading("sum of the rails", sum(rails.values()), "board")]

    def _reading(self, name: str, watts: float, scope: str) -> Reading:
        return Reading(
            probe=self.name,
            name=name,
            quantity="power",
            value=watts,
            unit="W",
            scope="board" if scope == "board" else "rail",
        )


def parse_throttled(text: str) -> int | None:
    """The bits in ``throttled=0x50005`` (vcgencmd) or ``50005`` (sysfs, hexadecimal)."""
    found = re.fullmatch(r"(?:throttled=)?(?:0x)?([0-9a-fA-F]+)", text.strip())
    return int(found[1], 16) if found else None


def parse_rails(text: str) -> dict[str, float]:
    """Watts by rail from ``vcgencmd pmic_read_adc``; rails without both current and voltage are
    left out."""
    values: dict[str, dict[str, float]] = {}
    for name, kind, value in _RAIL.findall(text):
        values.setdefault(name, {})[kind] = float(value)
    return {name: v["A"] * v["V"] for name, v in values.items() if {"A", "V"} <= v.keys()}


def _vcgencmd(root: Path) -> str | None:
    if root != Path("/"):
        tool = root / "usr/bin/vcgencmd"
        return str(tool) if tool.exists() else None
    return shutil.which("vcgencmd")


def _ask(tool: str, question: str) -> str | None:
    try:
        done = subprocess.run(
            [tool, question], capture_output=True, text=True, timeout=2, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None

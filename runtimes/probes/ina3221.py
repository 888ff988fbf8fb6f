"""Power on a Jetson: the INA3221 monitors that ``tegrastats`` reads too."""

from __future__ import annotations

from pathlib import Path

from edge_sdk.errors import DeviceError

from .files import number_of, text_of
from .protocol import Quantity, Reading

# The rail at the board's input: Orin Nano and NX, older boards; AGX boards have none.
_INPUT = ("VDD_IN", "POM_5V_IN", "VIN_SYS_5V0")


class Ina3221Probe:
    """Watts by rail: volts times amperes of each channel."""

    name = "ina3221"
    quantities: tuple[Quantity, ...] = ("power",)

    def __init__(self, root: Path) -> None:
        self._channels: list[tuple[str, Path, Path]] = []
        for chip in sorted((root / "sys/class/hwmon").glob("hwmon*")):
            if text_of(chip / "name") != "ina3221":
                continue
            for volts in sorted(chip.glob("in[1-3]_input")):
                number = volts.name[2]
                label = text_of(chip / f"in{number}_label")
                amperes = chip / f"curr{number}_input"
                # An unused channel has no label, or is said not to be connected.
                if label and label != "NC" and number_of(amperes) is not None:
                    self._channels.append((label, volts, amperes))
        if not self._channels:
            raise DeviceError("There is no INA3221 power monitor (a Jetson has one).")

    def read(self) -> list[Reading]:
        """Watts of every channel; that of the board's input is marked as the board's."""
        found = []
        for label, volts, amperes in self._channels:
            millivolts, milliamperes = number_of(volts), number_of(amperes)
            if millivolts is None or milliamperes is None:
                raise DeviceError(f"{volts.parent} stopped answering")
            found.append(
                Reading(
                    probe=self.name,
                    name=label,
                    quantity="power",
                    value=millivolts * milliamperes / 1e6,
                    unit="W",
                    scope="board" if label in _INPUT else "rail",
                )
            )
        return found

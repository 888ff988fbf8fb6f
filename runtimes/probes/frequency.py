"""Clocks and governors of the processor's cores, and of a Jetson's GPU."""

from __future__ import annotations

from pathlib import Path

from edge_sdk.errors import DeviceError

from .files import number_of, text_of
from .protocol import Quantity, Reading


class FrequencyProbe:
    """One reading a frequency domain (cores that share a clock), and its governor.

    ``throttle`` is 1 while the kernel allows a domain less than the hardware could do: thermal
    throttling lowers that ceiling, and so does a user's or a power mode's setting.
    """

    name = "frequency"
    quantities: tuple[Quantity, ...] = ("frequency", "governor", "throttle")

    def __init__(self, root: Path) -> None:
        cpu = root / "sys/devices/system/cpu"
        self._policies = [
            p
            for p in sorted((cpu / "cpufreq").glob("policy*"))
            if (p / "scaling_cur_freq").exists()
        ]
        # devfreq calls a Jetson's GPU after its address and its family (17000000.gpu, ...ga10b).
        self._gpus = [
            p
            for p in sorted((root / "sys/class/devfreq").glob("*"))
            if p.name.endswith(("gpu", "ga10b", "gv11b", "gp10b", "v3d"))
        ]
        if not self._policies and not self._gpus:
            raise DeviceError("The kernel shows no clock (no cpufreq; usual in virtual machines).")

    def read(self) -> list[Reading]:
        """Megahertz, governor and ceiling of every domain."""
        found: list[Reading] = []
        for policy in self._policies:
            name = f"cpu {text_of(policy / 'affected_cpus') or policy.name}"
            now = number_of(policy / "scaling_cur_freq")
            ceiling, most = (
                number_of(policy / file) for file in ("scaling_max_freq", "cpuinfo_max_freq")
            )
            if now is not None:
                found.append(self._reading(name, "frequency", now / 1e3, "MHz"))
            governor = text_of(policy / "scaling_governor")
            if governor:
                found.append(self._reading(name, "governor", governor))
            if ceiling is not None and most is not None:
                found.append(self._reading(f"{name} ceiling", "throttle", float(ceiling < most)))
        for gpu in self._gpus:
            now = number_of(gpu / "cur_freq")
            if now is not None:
                found.append(self._reading(gpu.name, "frequency", now / 1e6, "MHz"))
        return found

    def _reading(
        self, name: str, quantity: Quantity, value: float | str, unit: str = ""
    ) -> Reading:
        return Reading(probe=self.name, name=name, quantity=quantity, value=value, unit=unit)

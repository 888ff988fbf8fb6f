"""Trees of ``/sys`` and ``/proc`` with the names and units that boards' kernels document."""

from __future__ import annotations

from pathlib import Path

PI5_ADC = """\
 3V7_WL_SW_A current(0)=0.08400000A
   3V3_SYS_A current(1)=0.06000000A
  VDD_CORE_A current(7)=1.50000000A
 3V7_WL_SW_V volt(8)=3.70000000V
   3V3_SYS_V volt(9)=3.30000000V
  VDD_CORE_V volt(15)=0.80000000V
     EXT5V_V volt(24)=5.10000000V
"""


def tree(root: Path, files: dict[str, str]) -> Path:
    """Write ``files`` below ``root``."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return root


def raspberry_pi(root: Path, *, throttled: str = "0", celsius: float = 51.1) -> Path:
    """A Raspberry Pi 5 with the firmware's flags in sysfs and a ``vcgencmd`` that has a PMIC."""
    policy = "sys/devices/system/cpu/cpufreq/policy0"
    tree(
        root,
        {
            "sys/class/thermal/thermal_zone0/type": "cpu-thermal\n",
            "sys/class/thermal/thermal_zone0/temp": f"{celsius * 1000:.0f}\n",
            "sys/class/thermal/cooling_device0/type": "pwm-fan\n",
            "sys/class/thermal/cooling_device0/cur_state": "2\n",
            f"{policy}/affected_cpus": "0 1 2 3\n",
            f"{policy}/scaling_cur_freq": "1500000\n",
            f"{policy}/scaling_max_freq": "2400000\n",
            f"{policy}/cpuinfo_max_freq": "2400000\n",
            f"{policy}/scaling_governor": "ondemand\n",
            "sys/devices/platform/soc@107c000000/soc@107c000000:firmware/get_throttled": throttled,
            "proc/device-tree/model": "Raspberry Pi 5 Model B Rev 1.0\0",
            "proc/self/statm": "5000 4000 900 1 0 2000 0\n",
            "proc/meminfo": "MemTotal:  4000000 kB\nMemAvailable:  3000000 kB\n",
            "proc/stat": "cpu  100 0 50 1000 0 0 0 0 0 0\ncpu0 1 1 1 1\n",
            "usr/bin/vcgencmd": f"#!/bin/sh\ncat <<'END'\n{PI5_ADC}END\n",
        },
    )
    (root / "usr/bin/vcgencmd").chmod(0o755)
    return root


def jetson(root: Path) -> Path:
    """A Jetson Orin Nano with its power monitor, a GPU clock and a power mode."""
    chip = "sys/class/hwmon/hwmon1"
    return tree(
        root,
        {
            f"{chip}/name": "ina3221\n",
            f"{chip}/in1_label": "VDD_IN\n",
            f"{chip}/in2_label": "VDD_CPU_GPU_CV\n",
            f"{chip}/in3_label": "NC\n",
            **{f"{chip}/in{i}_input": "5000\n" for i in (1, 2, 3)},
            **{f"{chip}/curr{i}_input": f"{i * 400}\n" for i in (1, 2, 3)},
            "sys/class/hwmon/hwmon2/name": "soctherm_oc\n",
            "sys/class/hwmon/hwmon2/oc1_event_cnt": "3\n",
            "sys/class/devfreq/17000000.gpu/cur_freq": "306000000\n",
            "sys/class/thermal/thermal_zone0/type": "cpu-thermal\n",
            "sys/class/thermal/thermal_zone0/temp": "48500\n",
            "sys/class/thermal/thermal_zone1/type": "tj-thermal\n",
            "sys/class/thermal/thermal_zone1/temp": "49250\n",
            "sys/class/thermal/cooling_device3/type": "cpufreq-cpu0\n",
            "sys/class/thermal/cooling_device3/cur_state": "0\n",
            "var/lib/nvpmodel/status": "pmode:0001 fmode:quiet\n",
            "etc/nvpmodel.conf": "< POWER_MODEL ID=0 NAME=15W >\n< POWER_MODEL ID=1 NAME=7W >\n",
        },
    )


def x86(root: Path, *, joules: float = 10.0) -> Path:
    """A laptop: RAPL, hardware monitors, turbo."""
    zone = "sys/class/powercap/intel-rapl:0"
    return tree(
        root,
        {
            f"{zone}/name": "package-0\n",
            f"{zone}/energy_uj": f"{joules * 1e6:.0f}\n",
            f"{zone}/max_energy_range_uj": "100000000\n",
            "sys/class/powercap/intel-rapl:0:0/name": "core\n",
            "sys/class/powercap/intel-rapl:0:0/energy_uj": "1\n",
            "sys/class/hwmon/hwmon0/name": "coretemp\n",
            "sys/class/hwmon/hwmon0/temp1_input": "61000\n",
            "sys/class/hwmon/hwmon0/temp1_label": "Package id 0\n",
            "sys/devices/system/cpu/intel_pstate/no_turbo": "0\n",
            "sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count": "5\n",
        },
    )

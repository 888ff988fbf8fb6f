"""Probes on the trees of boards, and on this machine, whatever it has."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_sdk.errors import DeviceError
from edge_sdk.runtimes.probes import Reading, find_probes, probe_names
from edge_sdk.runtimes.probes.memory import available_bytes, process_memory
from edge_sdk.runtimes.probes.raspberry_pi import parse_rails, parse_throttled
from edge_sdk.runtimes.probes.vitals import VitalsReader

from .boards import PI5_ADC, jetson, raspberry_pi, tree, x86


def named(readings: list[Reading]) -> dict[str, float | str]:
    return {f"{r.probe}/{r.name}": r.value for r in readings}


def test_a_raspberry_pi(tmp_path: Path) -> None:
    probes = find_probes(raspberry_pi(tmp_path, throttled="50005"))
    found = named(probes.read())
    assert found["thermal/cpu-thermal"] == pytest.approx(51.1)
    assert [(r.name, r.value) for r in probes.read("frequency")] == [("cpu 0 1 2 3", 1500.0)]
    assert [r.value for r in probes.read("governor")] == ["ondemand"]
    assert found["raspberry-pi-throttled/under-voltage"] == 1
    assert found["raspberry-pi-throttled/clock capped"] == 0
    assert found["raspberry-pi-throttled/throttled"] == 1
    assert found["raspberry-pi-throttled/kinds of events since boot"] == 2
    board = [r for r in probes.read("power") if r.scope == "board"]
    assert board[0].value == pytest.approx(0.084 * 3.7 + 0.06 * 3.3 + 1.5 * 0.8)
    # A fan is not a throttle.
    assert not any("pwm-fan" in name for name in found)
    assert "RAPL" in probes.absent["rapl"]


def test_a_jetson(tmp_path: Path) -> None:
    probes = find_probes(jetson(tmp_path))
    power = {r.name: (r.value, r.scope) for r in probes.read("power")}
    assert power == {"VDD_IN": (2.0, "board"), "VDD_CPU_GPU_CV": (4.0, "rail")}
    found = named(probes.read())
    assert found["power-mode/nvpmodel"] == "1 (7W)"
    assert found["frequency/17000000.gpu"] == 306.0
    assert found["cooling/oc1_event_cnt"] == 3
    assert found["cooling/cpufreq-cpu0 3"] == 0
    assert found["thermal/tj-thermal"] == 49.25


def test_an_x86_energy_counter_that_turns(tmp_path: Path) -> None:
    probes = find_probes(x86(tmp_path, joules=99.0))
    assert [r.value for r in probes.read("energy")] == [0.0]
    x86(tmp_path, joules=2.0)  # beyond its range of 100 J
    reading = probes.read("energy")[0]
    assert reading.value == pytest.approx(3.0)
    assert (reading.scope, reading.unit, reading.counts) == ("package", "J", True)
    found = named(probes.read())
    assert found["thermal/coretemp Package id 0"] == 61.0
    assert found["power-mode/turbo"] == "on"


def test_a_counter_that_only_root_may_read_says_so(tmp_path: Path) -> None:
    tree(tmp_path, {"sys/class/powercap/intel-rapl:0/name": "package-0"})
    assert "root" in find_probes(tmp_path).absent["rapl"]


def test_an_empty_machine_has_a_reason_for_every_probe(tmp_path: Path) -> None:
    probes = find_probes(tmp_path)
    assert probes.read() == []
    assert set(probes.absent) == set(probe_names())
    assert all(reason.endswith(".") for reason in probes.absent.values())


def test_a_sensor_that_goes_away_is_reported_and_the_rest_stay(tmp_path: Path) -> None:
    probes = find_probes(jetson(tmp_path))
    (tmp_path / "sys/class/hwmon/hwmon1/curr1_input").unlink()
    assert probes.read("power") == []
    assert "stopped answering" in probes.absent["ina3221"]
    assert probes.read("temperature")


def test_this_machine_reads_what_it_has() -> None:
    for reading in find_probes().read():
        assert reading.probe in probe_names()
        if reading.quantity == "temperature":
            assert -40 < float(reading.value) < 150


@pytest.mark.parametrize(
    ("text", "bits"),
    [("throttled=0x50005", 0x50005), ("50005", 0x50005), ("0", 0), ("error=1", None), ("", None)],
)
def test_throttle_flags_in_both_writings(text: str, bits: int | None) -> None:
    assert parse_throttled(text) == bits


def test_a_rail_without_a_current_has_no_power() -> None:
    assert set(parse_rails(PI5_ADC)) == {"3V7_WL_SW", "3V3_SYS", "VDD_CORE"}


def test_vitals_follow_the_board(tmp_path: Path) -> None:
    reader = VitalsReader(raspberry_pi(tmp_path))
    calm = reader.read()
    assert calm.temperature == pytest.approx(51.1)
    assert calm.throttled is False
    assert calm.available == 3_000_000 * 1024
    raspberry_pi(tmp_path, throttled="4", celsius=84.0)
    hot = reader.read()
    assert hot.temperature == 84.0
    assert hot.throttled is True
    assert hot.reasons == ("throttled",)


def test_a_throttle_event_shows_once(tmp_path: Path) -> None:
    reader = VitalsReader(jetson(tree(tmp_path, {"proc/self/statm": "5 4 0 0 0 0 0"})))
    assert reader.read().throttled is False
    tree(tmp_path, {"sys/class/hwmon/hwmon2/oc1_event_cnt": "4"})
    assert reader.read().reasons == ("oc1_event_cnt",)
    assert reader.read().throttled is False


def test_a_ceiling_that_was_set_before_is_no_throttling(tmp_path: Path) -> None:
    ceiling = "sys/devices/system/cpu/cpufreq/policy0/scaling_max_freq"
    root = tree(raspberry_pi(tmp_path), {ceiling: "1800000"})
    reader = VitalsReader(root)
    assert reader.read().throttled is False
    reader = VitalsReader(tree(root, {ceiling: "2400000"}))
    tree(root, {ceiling: "1000000"})
    assert reader.read().throttled is True


def test_memory_of_this_process() -> None:
    memory = process_memory()
    assert 0 < memory.resident <= memory.peak
    assert memory.unique is None or memory.unique <= memory.resident
    held = bytearray(b"x" * 32_000_000)
    assert process_memory().resident - memory.resident > 25_000_000
    del held


def test_memory_of_nobody() -> None:
    with pytest.raises(DeviceError, match="process 99999999"):
        process_memory(99999999)


def test_a_containers_limit_counts(tmp_path: Path) -> None:
    tree(tmp_path, {"proc/meminfo": "MemAvailable: 1000 kB\n"})
    assert available_bytes(root=tmp_path) == 1_024_000
    tree(tmp_path, {"sys/fs/cgroup/memory.max": "500000", "sys/fs/cgroup/memory.current": "100000"})
    assert available_bytes(root=tmp_path) == 400_000
    tree(tmp_path, {"sys/fs/cgroup/memory.max": "max"})
    assert available_bytes(root=tmp_path) == 1_024_000
    assert available_bytes(root=tmp_path / "none") is None

"""What a command used: never how long it took, but what must be in the numbers."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from edge_sdk.benchmarks.process import edge_sdk, measure, measure_success
from edge_sdk.errors import DeviceError


def python(code: str) -> list[str]:
    return [sys.executable, "-I", "-c", code]


def test_output_problems_and_exit_code() -> None:
    usage = measure(python("import sys; print('out'); print('err', file=sys.stderr); sys.exit(7)"))
    assert usage.output == b"out\n"
    assert usage.problems == "err\n"
    assert usage.exit_code == 7
    assert usage.cpu_seconds > 0


def test_a_signal_is_a_negative_exit_code() -> None:
    assert measure(python("import os; os.kill(os.getpid(), 9)")).exit_code == -9


def test_cpu_time_of_work_is_counted_and_of_sleep_is_not() -> None:
    idle = measure_success(python("import time; time.sleep(0.3)"))
    busy = measure_success(python("import time\nwhile time.process_time() < 0.3: pass"))
    assert busy.cpu_seconds >= 0.29
    assert idle.cpu_seconds < busy.cpu_seconds


def test_cpu_time_of_children_is_counted() -> None:
    inner = "import time\nwhile time.process_time() < 0.3: pass"
    outer = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {inner!r}], check=True)"
    assert measure_success(python(outer)).cpu_seconds >= 0.29


def test_peak_memory_of_the_command_and_not_of_this_process() -> None:
    ballast = np.ones(200_000_000, np.uint8)
    small = measure_success(python("pass")).peak_bytes
    large = measure_success(python("x = b'x' * 60_000_000")).peak_bytes
    assert small < ballast.nbytes / 2
    assert 55e6 < large - small < 90e6


def test_memory_that_was_given_back_is_in_the_peak() -> None:
    small = measure_success(python("pass")).peak_bytes
    usage = measure_success(python("x = b'x' * 60_000_000; del x"))
    assert usage.peak_bytes - small > 55e6


def test_the_largest_process_counts() -> None:
    inner = "x = b'x' * 60_000_000"
    outer = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {inner!r}], check=True)"
    assert measure_success(python(outer)).peak_bytes > 60e6


def test_much_output_does_not_block() -> None:
    usage = measure_success(python("print('x' * 1_000_000)"))
    assert len(usage.output) == 1_000_001


def test_environment_is_added() -> None:
    code = "import os; print(os.environ['EDGE_SDK_TEST'], 'PATH' in os.environ)"
    usage = measure_success(python(code), environment={"EDGE_SDK_TEST": "yes"})
    assert usage.output == b"yes True\n"


def test_a_failing_command_names_its_last_words() -> None:
    with pytest.raises(DeviceError, match=r"exit code 1: ValueError: no bundle here"):
        measure_success(python("raise ValueError('no bundle here')"))


def test_a_missing_command_is_an_error() -> None:
    with pytest.raises(DeviceError, match="could not be started"):
        measure(["/nowhere/at-all"])


def test_the_command_line_is_that_of_this_environment() -> None:
    usage = measure_success(edge_sdk("--version"))
    assert usage.output.startswith(b"edge-sdk ")

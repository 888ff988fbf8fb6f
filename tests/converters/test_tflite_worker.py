"""Whatever happens to the TFLite tools in their process, here it is one sentence."""

from __future__ import annotations

import sys

import pytest
import torch
from torch import nn

from edge_sdk.converters.export import tflite_process
from edge_sdk.converters.export.tflite import export_tflite
from edge_sdk.converters.export.tflite_process import run_worker
from edge_sdk.converters.parts import PartSpec
from edge_sdk.errors import DependencyError, ExportError

SPEC = PartSpec(
    name="mine",
    module=nn.Linear(2, 2).eval(),
    example=(torch.zeros(1, 2),),
    inputs=("x",),
    outputs=("y",),
)


def worker(monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Let the worker be a script; it gets the task and the folder as arguments."""
    monkeypatch.setattr(tflite_process, "COMMAND", (sys.executable, "-c", script))


@pytest.mark.parametrize("name", ["SIGSEGV", "SIGABRT", "SIGKILL"])
def test_a_crash_names_the_part_and_the_signal(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    script = "import os, signal, sys; print('lowering aten.odd', file=sys.stderr, flush=True);"
    worker(monkeypatch, f"{script} os.kill(os.getpid(), signal.{name})")
    with pytest.raises(ExportError, match=f"crashed .* part mine .{name}.*lowering aten.odd"):
        export_tflite(SPEC)


def test_a_crash_handlers_dump_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    worker(monkeypatch, "import faulthandler, os; faulthandler.enable(); os.abort()")
    with pytest.raises(ExportError) as caught:
        run_worker("quantise", "audio", {})
    assert str(caught.value) == (
        "The TFLite tools crashed while they were to quantise the part audio (SIGABRT)."
    )


def test_a_worker_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    worker(monkeypatch, "import time; time.sleep(60)")
    with pytest.raises(ExportError, match="did not finish to export the part mine in 1 seconds"):
        export_tflite(SPEC, timeout=1)


def test_a_worker_that_leaves_nothing_behind_is_a_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    worker(monkeypatch, "")
    with pytest.raises(ExportError, match=r"crashed .*part mine \(exit code 0\)"):
        export_tflite(SPEC)


def test_a_failure_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    worker(
        monkeypatch,
        "import pathlib, sys;"
        "pathlib.Path(sys.argv[2], 'failure.json').write_text("
        '\'{"kind": "RuntimeError", "message": "Lowering not found: odd"}\'); sys.exit(1)',
    )
    with pytest.raises(ExportError, match="part mine: RuntimeError: Lowering not found: odd"):
        export_tflite(SPEC)


def test_missing_tools_name_the_command_that_installs_them(monkeypatch: pytest.MonkeyPatch) -> None:
    worker(
        monkeypatch,
        "import sys; sys.modules['litert_torch'] = None;"
        "sys.argv[0] = 'worker';"
        "from edge_sdk.converters.export.tflite_worker import main;"
        "sys.exit(main(*sys.argv[1:]))",
    )
    with pytest.raises(DependencyError, match=r"pip install 'edge-sdk\[convert\]'"):
        export_tflite(SPEC)

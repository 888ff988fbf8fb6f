"""A turn with the assistant on every board, by replay."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from edge_sdk.errors import DependencyError
from edge_sdk.remote import Deployed, send_files

from .board import Board

#: In a session's folder, if it is to be: the configuration; a line for each turn, with words that
#: the answer has.
CONFIG, EXPECTED = "assistant.toml", "expected.txt"


def test_assistant_turn(
    device: Board, deployed_bundle: Deployed, pytestconfig: pytest.Config
) -> None:
    """Every turn of a recorded session is answered; with the words that it expects, if any."""
    session = pytestconfig.getoption("--edge-session")
    if session is None:
        pytest.skip("needs --edge-session")
    folder = Path(session)
    there = send_files(folder, device.place, "session")
    words = ["--replay", there]
    if (folder / CONFIG).exists():
        words += ["--config", f"{there}/{CONFIG}"]
    out = f"{there}.answers"
    device.transport.run(f"rm -rf {shlex.quote(out)}")
    done = device.program.run("assist", deployed_bundle.path, *words, "--out", out)
    if done.code == DependencyError.exit_code:
        pytest.skip(done.err.splitlines()[-1])
    assert done.code == 0, done.err
    told = device.transport.run(f"cat {shlex.quote(out)}/events.jsonl").out.decode()
    events = [json.loads(line) for line in told.splitlines()]
    answers = [event["text"] for event in events if event["event"] == "Answered"]
    assert answers
    if (folder / EXPECTED).exists():
        expected = (folder / EXPECTED).read_text().splitlines()
        assert len(answers) == len(expected), answers
        missing = [pair for pair in zip(expected, answers, strict=True) if not _in(*pair)]
        assert not missing


def _in(wanted: str, answer: str) -> bool:
    return wanted.lower() in answer.lower()

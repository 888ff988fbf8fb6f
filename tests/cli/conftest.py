"""Running the command line in this process, as a user would from a shell."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from edge_sdk.cli.main import main

Run = Callable[..., "Result"]


@dataclass
class Result:
    """What a command left: its exit code and what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON object on standard output; anything else there is a failure."""
        value = json.loads(self.out)
        assert isinstance(value, dict)
        return value


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """``run("infer", path, ...)``: a :class:`Result`. A traceback is an exception here."""

    def call(*words: str | Path) -> Result:
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            main([str(word) for word in words])
        code = left.value.code
        shown = capsys.readouterr()
        assert "Traceback" not in shown.err
        return Result(0 if code is None else int(code), shown.out, shown.err)

    return call


@pytest.fixture
def refused(run: Run) -> Callable[..., str]:
    """``refused(code, "infer", ...)``: the one sentence with which the command refuses."""

    def call(code: int, *words: str | Path) -> str:
        plain = run(*words)
        assert plain.code == code, plain.err
        assert plain.out == ""
        assert plain.err.startswith("error: ")
        sentence = plain.err.removeprefix("error: ").strip()
        told = run(*words, "--json")
        assert told.code == code
        assert told.json["error"]["exit_code"] == code
        assert told.json["error"]["message"] == sentence
        assert set(told.json) == {"error"}
        return sentence

    return call

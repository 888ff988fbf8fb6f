"""The pipelines in examples/ci: what they call exists, and takes the options they give."""

from __future__ import annotations

import argparse
import shlex
from importlib import import_module
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from edge_sdk.benchmarks.compare import read_budgets
from edge_sdk.benchmarks.hil import plugin
from edge_sdk.cli.main import cli
from edge_sdk.remote import parse_address

FOLDER = Path("examples/ci")
PIPELINES = ("github-actions.yml", "gitlab-ci.yml")


def commands(name: str) -> list[list[str]]:
    """The words of every command of a pipeline."""
    found = yaml.safe_load((FOLDER / name).read_text())
    lines: list[str] = []
    if "jobs" in found:
        for job in found["jobs"].values():
            lines += [step["run"] for step in job["steps"] if "run" in step]
    else:
        for job in found.values():
            if isinstance(job, dict):
                lines += [*job.get("before_script", ()), *job.get("script", ())]
    return [shlex.split(part) for line in lines for part in line.split(" && ")]


@pytest.mark.parametrize("name", PIPELINES)
def test_every_edge_sdk_command_parses(name: str) -> None:
    seen = []
    for words in commands(name):
        if not words[0].endswith("edge-sdk"):
            continue
        command = cli.get_command(click.Context(cli), words[1])
        assert command is not None, words
        # Raises for an unknown option, a missing one or a wrong value.
        context = command.make_context(words[1], list(words[2:]))
        seen.append(words[1])
        if context.params.get("device"):
            parse_address(context.params["device"])
    assert seen == ["convert", "profile", "compare"]


@pytest.mark.parametrize("name", PIPELINES)
def test_the_suite_takes_the_options_it_is_given(name: str) -> None:
    known = argparse.ArgumentParser()
    known.addoption = known.add_argument  # type: ignore[attr-defined]

    class Parser:
        def getgroup(self, *_: str) -> Any:
            return known

    plugin.pytest_addoption(Parser())  # type: ignore[arg-type]
    # pytest's own, and those of its plugin for labgrid.
    for option in ("--pyargs", "--lg-env", "--junitxml"):
        known.add_argument(option)
    (words,) = [w for w in commands(name) if w[0].endswith("pytest")]
    given = known.parse_args(words[1:])
    import_module(given.pyargs)
    assert given.edge_bundle == ["out/model.edge"]
    assert given.edge_matrix == "out/matrix.html"


def test_the_files_they_read_can_be_read() -> None:
    assert read_budgets(FOLDER / "budgets.toml").limits("rpi5")
    boards = yaml.safe_load((FOLDER / "boards.yaml").read_text())
    assert boards["targets"]["rpi5"]["resources"]["NetworkService"]["address"] == "rpi5"

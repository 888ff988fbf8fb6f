"""The command line of the benchmarks."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path

import click

from edge_sdk.errors import BudgetError, EdgeError
from edge_sdk.files import replacing

from .bench import Bench
from .figure import Figure
from .figures import choose
from .machine import load_average, this_machine
from .peers.page import SECTION as PEERS
from .report import Report, Row, gap, row_of, to_json, to_markdown
from .section import kept_section

_CHECKPOINT = Path("examples/show_and_ask/checkpoint")
_DATA = Path("build/demo/data")


@click.command()
@click.option("--checkpoint", type=click.Path(path_type=Path), default=_CHECKPOINT,
              show_default=True, help="The checkpoint to convert and measure.")  # fmt: skip
@click.option("--data", type=click.Path(path_type=Path), default=_DATA, show_default=True,
              help="A folder with the sample sets calibration and held-out.")  # fmt: skip
@click.option("--output", type=click.Path(path_type=Path), help="The .md page to write.")
@click.option("--only", multiple=True, help="Measure this figure alone; may be repeated.")
@click.option("--rounds", type=click.IntRange(min=1), help="Repetitions of every figure.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    checkpoint: Path,
    data: Path,
    output: Path | None,
    only: tuple[str, ...],
    rounds: int | None,
    as_json: bool,
) -> int:
    """Measure the project's figures; the exit code is 5 where a limit is missed."""
    figures = choose(only)
    call = _call(checkpoint, data)
    started, before = time.monotonic(), load_average()
    with Bench(checkpoint, data, rounds=rounds) as bench:
        rows, failures = run(figures, bench)
    report = Report(
        date=datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        machine=this_machine(),
        load_before=before,
        load_after=load_average(),
        seconds=time.monotonic() - started,
        command=call,
        rows=tuple(rows),
    )
    page = to_markdown(report)
    if output is not None:
        kept = kept_section(output, PEERS)
        with replacing(output) as aside:
            aside.write_text(f"{page}\n{kept}" if kept else page)
    if as_json:
        click.echo(to_json(report), nl=False)
    elif output is None:
        click.echo(page, nl=False)
    for row in report.missed:
        click.echo(f"missed: {row.figure}: {row.what}", err=True)
    if report.missed:
        return BudgetError.exit_code
    return failures[0].exit_code if failures else 0


def run(figures: Sequence[Figure], bench: Bench) -> tuple[list[Row], list[EdgeError]]:
    """Measure ``figures``; one that fails leaves a row that says why, and the rest go on."""
    rows: list[Row] = []
    failures: list[EdgeError] = []
    for figure in figures:
        click.echo(f"{figure.name} ...", err=True)
        try:
            rows.extend(row_of(figure.name, reading) for reading in figure.measure(bench))
        except EdgeError as error:
            click.echo(f"not measured: {figure.name}: {error}", err=True)
            rows.append(gap(figure.name, figure.what, str(error)))
            failures.append(error)
    return rows, failures


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command and exit; a mistake is one sentence and an exit code."""
    try:
        code = command.main(args=arguments, prog_name="python -m edge_sdk.benchmarks",
                            standalone_mode=False)  # fmt: skip
    except EdgeError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)
    except click.ClickException as error:
        click.echo(f"error: {error.format_message()}", err=True)
        sys.exit(error.exit_code)
    except click.Abort:
        sys.exit(130)
    sys.exit(code)


def _call(checkpoint: Path, data: Path) -> str:
    """How to repeat the run; what is the default is left out."""
    words = ["python", "-m", "edge_sdk.benchmarks"]
    for option, value, usual in (("checkpoint", checkpoint, _CHECKPOINT), ("data", data, _DATA)):
        if value != usual:
            # Only the last names: where a folder lies on one machine helps nobody elsewhere.
            words += [f"--{option}", value.name if value.is_absolute() else str(value)]
    return shlex.join(words)

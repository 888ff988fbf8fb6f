"""``edge-sdk compare``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..errors import BudgetError, UsageError
from ..files import check_writable
from .output import check_report, emit_json, table
from .progress import StageProgress

if TYPE_CHECKING:
    from edge_sdk.benchmarks.compare import Comparison


@click.command("compare")
@click.argument("base", type=click.Path(path_type=Path))
@click.argument("new", type=click.Path(path_type=Path))
@click.option("--budget", type=click.Path(path_type=Path),
              help="A TOML file: limits, and how much worse is allowed, per target.")  # fmt: skip
@click.option("--samples", type=click.Path(path_type=Path),
              help="Of two bundles: a sample set to measure on and to score.")  # fmt: skip
@click.option("--engine", default="auto", show_default=True, help="Of two bundles: the engine.")
@click.option("--threads", type=click.IntRange(min=1), help="Of two bundles: threads.")
@click.option("--rounds", type=click.IntRange(min=2), default=4, show_default=True,
              help="Of two bundles: fresh processes.")  # fmt: skip
@click.option("--calls", type=click.IntRange(min=20), default=100, show_default=True,
              help="Of two bundles: calls of each in a process.")  # fmt: skip
@click.option("--anyway", is_flag=True, help="Of two profiles: although their devices differ.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--html", type=click.Path(path_type=Path), help="The page to write.")
def command(
    base: Path,
    new: Path,
    budget: Path | None,
    samples: Path | None,
    engine: str,
    threads: int | None,
    rounds: int,
    calls: int,
    anyway: bool,
    as_json: bool,
    html: Path | None,
) -> None:
    """Hold NEW against BASE: two profiles (.json), or two bundles that run in turns here.

    A metric is worse where its whole 95% interval lies beyond what is allowed; the exit code is
    5 if a gated metric is worse or a limit is missed.
    """
    from edge_sdk.benchmarks.compare import (
        BundlesOptions,
        compare_bundles,
        compare_profiles,
        read_budgets,
    )
    from edge_sdk.benchmarks.compare.words import why
    from edge_sdk.benchmarks.profile import read_result

    # What would fail at the end fails now.
    if html is not None:
        check_writable(html)
        check_report()
    kinds = {path.suffix == ".json" for path in (base, new)}
    if len(kinds) == 2:
        raise UsageError("Compare two profiles (.json) or two bundles, not one of each.")
    budgets = read_budgets(budget) if budget is not None else None
    if kinds == {True}:
        if samples is not None:
            raise UsageError("--samples is for two bundles; profiles have been measured already.")
        result = compare_profiles(read_result(base), read_result(new), budgets, anyway=anyway)
    else:
        options = BundlesOptions(
            engine=engine,
            threads=threads,
            samples=str(samples) if samples is not None else None,
            rounds=rounds,
            calls=calls,
        )
        with StageProgress() as progress:
            result = compare_bundles(base, new, options, budgets, progress=progress)
    if html is not None:
        from edge_sdk.benchmarks.compare.page import write_page

        write_page(result, html)
    if as_json:
        emit_json(result)
    else:
        click.echo(show(result))
    if not result.passed:
        failing = [v for v in result.metrics if v.fails] or [
            v for v in result.metrics if v.doubtful
        ]
        click.echo(f"error: {new} does not pass: {'; '.join(map(why, failing))}.", err=True)
        # What was found is on standard output already: the object stays the only one.
        raise click.exceptions.Exit(BudgetError.exit_code)


def show(result: Comparison) -> str:
    """The comparison for a terminal."""
    from edge_sdk.benchmarks.compare.words import EMULATED, HEADING, doubts, rows_of

    lines = [f"base: {result.base}", f"new:  {result.new}"]
    if result.emulated:
        lines.append(EMULATED.replace("emulated", "EMULATED"))
    lines += ["", table([HEADING, *rows_of(result)]), ""]
    lines += [f"note: {warning}" for warning in result.warnings]
    if doubts(result):
        lines.append(doubts(result))
    lines.append("passed" if result.passed else "not passed")
    return "\n".join(lines)

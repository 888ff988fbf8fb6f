"""``edge-sdk compare``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..errors import BudgetError, UsageError
from .output import emit_json, table
from .progress import StageProgress

if TYPE_CHECKING:
    from edge_sdk.benchmarks.compare import Comparison, MetricVerdict


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
    from edge_sdk.benchmarks.profile import read_result

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
    if as_json:
        emit_json(result)
    else:
        click.echo(show(result))
    if not result.passed:
        failing = [v for v in result.metrics if v.fails] or [
            v for v in result.metrics if v.doubtful
        ]
        click.echo(f"error: {new} does not pass: {'; '.join(map(_why, failing))}.", err=True)
        # What was found is on standard output already: the object stays the only one.
        raise click.exceptions.Exit(BudgetError.exit_code)


def show(result: Comparison) -> str:
    """The comparison for a terminal."""
    rows: list[tuple[str, ...]] = [
        ("metric", "base", "new", "change", "95% interval", "allowed", "notices", "verdict")
    ]
    for v in result.metrics:
        points = v.unit == "%"
        rows.append(
            (
                v.metric,
                f"{v.base:.4g} {v.unit}",
                f"{v.new:.4g} {v.unit}",
                _change(v.ratio.value, points),
                ""
                if v.ratio.low is None or v.ratio.high is None
                else f"{_change(v.ratio.low, points)} to {_change(v.ratio.high, points)}",
                "" if v.allowed is None else f"{v.allowed:g}" if points else f"{v.allowed:.0%}",
                "" if v.notices is None else f"{v.notices:.1f}" if points else f"{v.notices:.0%}",
                _verdict(v),
            )
        )
    lines = [f"base: {result.base}", f"new:  {result.new}"]
    if result.emulated:
        lines.append("EMULATED: times are no board's times, and are not held against limits")
    lines += ["", table(rows), ""]
    lines += [f"note: {warning}" for warning in result.warnings]
    doubtful = [v.metric for v in result.metrics if v.doubtful]
    if doubtful:
        lines.append(
            f"unclear: {', '.join(doubtful)}: the noise hides whether the budget is kept; "
            "more rounds or a quieter machine tell"
        )
    lines.append("passed" if result.passed else "not passed")
    return "\n".join(lines)


def _verdict(v: MetricVerdict) -> str:
    words = v.change if v.allowed is not None else f"({v.change})"
    if v.limit is not None:
        words += f"; limit {v.limit:g} {v.unit}: {v.kept}"
    return words.upper() if v.fails else words


def _why(v: MetricVerdict) -> str:
    if v.kept == "missed":
        return f"{v.metric} is {v.new:.4g} {v.unit}, over the limit of {v.limit:g}"
    points = v.unit == "%"
    return f"{v.metric} changed by {_change(v.ratio.value, points)} and is {v.change}"


def _change(ratio: float, points: bool) -> str:
    return f"{ratio:+.1f}" if points else f"{ratio - 1:+.1%}"

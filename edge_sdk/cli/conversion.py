"""What a conversion prints: what was shipped, on every rung, and what else was tried."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from .output import float_cell, table

if TYPE_CHECKING:
    from edge_sdk.converters.report import (
        CandidateReport,
        ConversionReport,
        EditionReport,
        SearchReport,
    )


def print_report(report: ConversionReport) -> None:
    """Print tables of a conversion's outcome."""
    for edition in report.editions:
        rung = "" if edition.rung == "full" else f", variant {edition.rung}"
        pruned = f", pruned {edition.pruned:.0%}" if edition.pruned else ""
        tuned = ", fine-tuned for int8" if edition.tuned else ""
        click.echo(f"{report.name} for {report.target} on {edition.engine}{rung}{pruned}{tuned};")
        if edition.modalities:
            click.echo(f"answers on {', '.join(edition.modalities)} alone, by the same graphs")
        else:
            _print_parts(edition)
        _print_whole(edition)
        ratio = edition.size / report.fp32_size
        click.echo(f"{edition.size / 1e6:.2f} MB of graphs, {ratio:.2f} of fp32.\n")
    if report.search is not None:
        _print_search(report.search)
    click.echo(f"Written: {report.output}")


def _print_parts(edition: EditionReport) -> None:
    heads = list(edition.quality.heads)
    timed = any(a.milliseconds is not None for part in edition.parts for a in part.attempts)
    rows: list[tuple[str, ...]] = [
        ("part", "shipped", "kB", "kB fp32", *(("ms",) if timed else ()),
         *(f"{head} drop" for head in heads), "still float")
    ]  # fmt: skip
    for part in edition.parts:
        mine = next(attempt for attempt in part.attempts if attempt.precision == part.precision)
        drops = (f"{mine.drops[head]:+.2f}" for head in heads)
        sizes = (f"{part.size / 1e3:.1f}", f"{part.fp32_size / 1e3:.1f}")
        times = (_ms(mine.milliseconds),) if timed else ()
        share = float_cell(mine.stayed_float)
        rows.append((part.name, part.precision, *sizes, *times, *drops, share))
    click.echo("points of macro-F1 lost, each part alone:")
    click.echo(table(rows))
    for part in edition.parts:
        kernels = (attempt.kernels for attempt in part.attempts)
        for sentence in (*part.rejected, part.streaming, *kernels):
            if sentence:
                click.echo(sentence)


def _print_whole(edition: EditionReport) -> None:
    quality = edition.quality
    click.echo(f"\nAll parts together, on {quality.samples} samples ({quality.source}):")
    rows: list[tuple[str, ...]] = [("head", "F1 fp32", "F1 shipped", "points lost (95 %)",
                                    "same label")]  # fmt: skip
    for name, q in quality.heads.items():
        f1 = [f"{s.macro_f1:.3f}" if q.samples else "" for s in (q.fp32, q.shipped)]
        low, high = edition.intervals[name].drop
        lost = f"{q.drop:+.2f} ({low:+.2f} to {high:+.2f})" if q.samples else ""
        rows.append((name, *f1, lost, f"{q.agreement:.1%}"))
    click.echo(table(rows))


def _print_search(search: SearchReport) -> None:
    """One line a candidate; * marks those that nothing beats in all of loss, time and bytes."""
    timed = any(candidate.milliseconds is not None for candidate in search.candidates)
    engines = len({candidate.engine for candidate in search.candidates}) > 1
    rows: list[tuple[str, ...]] = [
        ("", "candidate", *(("engine",) if engines else ()), "points lost", "MB",
         *(("ms", "+-") if timed else ()), "")
    ]  # fmt: skip
    for candidate in search.candidates:
        engine = (candidate.engine,) if engines else ()
        times = (_ms(candidate.milliseconds), _ms(candidate.noise)) if timed else ()
        lost = f"{max(candidate.drops.values()):+.2f}"
        mark = "*" if candidate.front else ""
        size = f"{candidate.size / 1e6:.2f}"
        rows.append((mark, candidate.words, *engine, lost, size, *times, _fate(candidate)))
    measured = f", measured on {search.machine}" if timed else ""
    click.echo(f"Candidates{measured} (* nothing beats it in loss, bytes and time):")
    click.echo(table(rows) + "\n")


def _fate(candidate: CandidateReport) -> str:
    if candidate.rungs:
        return "ships" + (
            f" as {', '.join(candidate.rungs)}" if candidate.rungs != ("full",) else ""
        )
    return "" if candidate.fits else "over budget"


def _ms(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"

"""``edge-sdk evaluate``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..files import check_writable
from .output import emit_json, table
from .progress import StageProgress

if TYPE_CHECKING:
    from edge_sdk.benchmarks.evaluate import Agreement, Evaluation


@click.command("evaluate")
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option("--samples", required=True, type=click.Path(path_type=Path),
              help="A sample set, with labels or without.")  # fmt: skip
@click.option("--engine", default="auto", show_default=True, help="The engine to run on.")
@click.option("--threads", type=click.IntRange(min=1), help="Threads of the engine.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N",
              help="Answer on N samples, spread evenly over the set.")  # fmt: skip
@click.option("--reference", is_flag=True,
              help="Run the graphs as they are written, not this machine's kernels.")  # fmt: skip
@click.option("--against", type=click.Path(path_type=Path),
              help="The JSON of another evaluation: say how many labels are the same.")  # fmt: skip
@click.option("--json", "json_path", type=click.Path(path_type=Path),
              help="The result to write, with every answer; '-': print it.")  # fmt: skip
def command(
    bundle: Path,
    samples: Path,
    engine: str,
    threads: int | None,
    limit: int | None,
    reference: bool,
    against: Path | None,
    json_path: Path | None,
) -> None:
    """Answer with BUNDLE on a sample set, on this machine, and score the answers."""
    from edge_sdk.benchmarks.evaluate import (
        agreement,
        evaluate,
        read_evaluation,
        write_evaluation,
    )

    printed = json_path == Path("-")
    if json_path is not None and not printed:
        check_writable(json_path)
    other = read_evaluation(against) if against is not None else None
    with StageProgress() as progress:
        result = evaluate(
            bundle,
            samples,
            engine=engine,
            threads=threads,
            limit=limit,
            reference=reference,
            progress=progress,
        )
    if json_path is not None and not printed:
        write_evaluation(result, json_path)
    if printed:
        emit_json(result)
        return
    click.echo(_show(result))
    if other is not None:
        click.echo(_show_agreement(agreement(result, other)))


def _show(result: Evaluation) -> str:
    emulated = f"; EMULATED ({result.device.emulation})" if result.device.emulated else ""
    lines = [
        f"{result.bundle.name} ({result.bundle.edition}) on {result.device.cpu}, "
        f"{result.device.arch}{emulated}: {result.samples.answered} of {result.samples.in_set} "
        f"samples of {result.samples.source}"
    ]
    rows: list[tuple[str, ...]] = [("head", "samples", "accuracy", "macro-F1")]
    rows += [
        (name, str(s.samples), f"{s.accuracy:.3f}", f"{s.macro_f1:.3f}")
        for name, s in result.heads.items()
    ]
    lines.append(table(rows) if result.heads else "not scored: the samples carry no labels")
    return "\n".join(lines)


def _show_agreement(found: Agreement) -> str:
    heads = ", ".join(f"{name} {share:.1%}" for name, share in found.heads.items())
    return f"same label as the other evaluation, over {found.samples} samples: {heads}"

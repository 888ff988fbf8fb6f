"""``edge-sdk soak``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..errors import BudgetError
from .durations import duration
from .output import emit_json
from .progress import StageProgress

if TYPE_CHECKING:
    from edge_sdk.benchmarks.soak import SoakResult


@click.command("soak")
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option("--seconds", type=duration, default="60s", show_default=True, help="How long.")
@click.option("--audio", type=click.Path(path_type=Path),
              help="A recording, repeated; default: the bundle's golden ones.")  # fmt: skip
@click.option("--pictures", type=click.Path(path_type=Path),
              help="A folder of pictures, repeated; default: as with --audio.")  # fmt: skip
@click.option("--deadline", type=duration, default="250ms", show_default=True,
              help="How old data may be at a decision; late ones are counted.")  # fmt: skip
@click.option("--engine", default="auto", show_default=True, help="The engine to run on.")
@click.option("--threads", type=click.IntRange(min=1), help="Threads of the engine.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    bundle: Path,
    seconds: float,
    audio: Path | None,
    pictures: Path | None,
    deadline: float,
    engine: str,
    threads: int | None,
    as_json: bool,
) -> None:
    """Stream from BUNDLE in real time on injected sound and pictures, and watch what it costs.

    Fails with code 5 where no decision is made, a loss is not told of, a stage fails, memory
    grows, or threads or file handles stay behind.
    """
    from edge_sdk.benchmarks.soak import SoakOptions, soak

    options = SoakOptions(
        seconds=seconds,
        audio=audio,
        pictures=pictures,
        engine=engine,
        threads=threads,
        deadline=deadline,
    )
    with StageProgress() as progress:
        result = soak(
            bundle,
            options,
            progress=lambda done: progress("soak", min(int(done), int(seconds)), int(seconds)),
        )
    if as_json:
        emit_json(result)
    else:
        click.echo(_show(result))
    if result.problems:
        for problem in result.problems:
            click.echo(f"error: {problem}", err=True)
        raise click.exceptions.Exit(BudgetError.exit_code)


def _show(result: SoakResult) -> str:
    losses, memory, device = result.losses, result.memory, result.device
    age = (
        ""
        if result.data_age_p95 is None
        else f", data {result.data_age_p95 * 1e3:.0f} ms old (p95)"
    )
    emulated = " EMULATED: times are no board's times." if device.emulated else ""
    return "\n".join(
        [
            f"{result.seconds:g} s of {result.bundle.name} ({result.bundle.edition}) on "
            f"{device.model or device.cpu}.{emulated}",
            f"decisions: {result.decisions}{age}, {result.late} late, {result.moves} moves of the "
            f"governor, {result.failures} failures",
            f"lost: {losses.samples} samples (told {losses.samples_told}), {losses.hops} hops "
            f"(told {losses.hops_told}), {losses.frames} frames passed over",
            f"resident memory: {memory.first / 1e6:.1f} MB at first, {memory.last / 1e6:.1f} at "
            f"last, growth {memory.growth / 1e6:+.2f} MB (allowed {memory.allowed / 1e6:.2f})",
            f"threads and file handles: {result.before.threads} and {result.before.handles} "
            f"before, {result.after.threads} and {result.after.handles} after",
            "passed" if not result.problems else "not passed",
        ]
    )

"""``edge-sdk build``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..bundle import Bundle
from ..errors import EngineError
from .output import emit_json, table
from .progress import StageProgress

if TYPE_CHECKING:
    from edge_sdk.runtimes.tensorrt.compile import Outcome


@click.command("build")
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option("--cache", type=click.Path(path_type=Path),
              help="Where engines are kept; default: the user's cache folder.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(bundle: Path, cache: Path | None, as_json: bool) -> None:
    """Compile the TensorRT engines of BUNDLE on this device, which takes minutes, and keep them.

    An engine that fits this device and its TensorRT is not compiled again; a stale one is.
    """
    from edge_sdk.runtimes.tensorrt.binding import load_binding
    from edge_sdk.runtimes.tensorrt.cache import EngineCache, default_engine_cache
    from edge_sdk.runtimes.tensorrt.compile import compile_kit
    from edge_sdk.runtimes.tensorrt.cuda import Cuda
    from edge_sdk.runtimes.tensorrt.kit import kit_of

    kit = kit_of(Bundle.open(bundle))
    trt = load_binding()
    gpu = Cuda().gpu()
    engines = EngineCache(cache or default_engine_cache())
    outcomes = []
    with StageProgress() as progress:
        for outcome in compile_kit(trt, gpu, kit, engines, progress=progress):
            outcomes.append(outcome)
            if outcome.state == "compiled":
                click.echo(f"{outcome.part} {outcome.precision}: {outcome.reason}", err=True)
    failed = [outcome for outcome in outcomes if outcome.state == "failed"]
    if as_json:
        emit_json(
            {
                "path": str(bundle),
                "ok": not failed,
                "tensorrt": trt.__version__,
                "gpu": gpu,
                "cache": str(engines.root),
                "engines": outcomes,
            }
        )
    else:
        _print(outcomes)
        click.echo(f"\nTensorRT {trt.__version__} on {gpu}; engines in {engines.root}.")
    if failed:
        first = failed[0]
        sentence = (
            f"{len(failed)} of {len(outcomes)} engines of {bundle} could not be compiled, first "
            f"{first.part} {first.precision}: {first.reason}"
        )
        if as_json:
            click.echo(f"error: {sentence}", err=True)
            raise SystemExit(EngineError.exit_code)
        raise EngineError(sentence)


def _print(outcomes: list[Outcome]) -> None:
    rows: list[tuple[str, ...]] = [("part", "precision", "engine", "kB", "seconds")]
    for outcome in outcomes:
        size = f"{outcome.size / 1e3:.1f}" if outcome.size else ""
        seconds = f"{outcome.seconds:.1f}" if outcome.state == "compiled" else ""
        rows.append((outcome.part, outcome.precision, outcome.state, size, seconds))
    click.echo(table(rows))
    for outcome in outcomes:
        for warning in outcome.warnings:
            click.echo(f"warning: {outcome.part} {outcome.precision}: {warning}", err=True)

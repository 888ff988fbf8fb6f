"""``edge-sdk convert``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import SOME_FAILED, DependencyError, EdgeError, UsageError
from .output import emit_json, float_cell, table
from .progress import StageProgress

if TYPE_CHECKING:
    from edge_sdk.converters.report import ConversionReport, EditionReport
    from edge_sdk.converters.supervise import Settled


@click.command("convert")
@click.argument("checkpoint", type=click.Path(path_type=Path), required=False)
@click.option("--model", metavar="PKG.NET:BUILD",
              help="Instead of CHECKPOINT: a callable that gives an nn.Module. It is imported "
              "and run, with the current folder importable: name only code you trust.")  # fmt: skip
@click.option("--weights", type=click.Path(path_type=Path),
              help="Weights for --model: .safetensors, or .pt loaded without code.")  # fmt: skip
@click.option("--spec", type=click.Path(path_type=Path),
              help="The model.toml of --model, a .pt2 or an .onnx file.")  # fmt: skip
@click.option("--target", "targets", multiple=True, default=("local",), show_default=True,
              help="A target profile, or a .toml file; may be given several times.")  # fmt: skip
@click.option("--calibration", required=True, type=click.Path(path_type=Path),
              help="A sample set of real samples, at least 32.")  # fmt: skip
@click.option("--evaluation", type=click.Path(path_type=Path),
              help="Held-out samples for the gate; else a share of --calibration.")  # fmt: skip
@click.option("--output", required=True, type=click.Path(path_type=Path),
              help="A .edge file or a folder; for several targets, where they go.")  # fmt: skip
@click.option("--max-drop", type=click.FloatRange(min=0),
              help="Points of macro-F1 a head may lose; default: the target's budget.")  # fmt: skip
@click.option("--precision", type=click.Choice(["auto", "int8", "fp32"]), default="auto",
              show_default=True, help="One precision, or the target's order.")  # fmt: skip
@click.option("--engine", "engines", multiple=True,
              help="An edition for this engine (repeatable); default: the target's.")  # fmt: skip
@click.option("--streaming", is_flag=True,
              help="Let audio stream also where that takes a second graph (litert).")  # fmt: skip
@click.option("--check-kernels", is_flag=True,
              help="Say which kernels TensorRT-RTX has for every graph of a TensorRT kit; fail "
              "where it is not installed.")  # fmt: skip
@click.option("--cache", type=click.Path(path_type=Path),
              help="Where stages are kept; default: the user's cache folder.")  # fmt: skip
@click.option("--no-cache", is_flag=True, help="Keep no results of stages.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    checkpoint: Path | None,
    model: str | None,
    weights: Path | None,
    spec: Path | None,
    targets: tuple[str, ...],
    cache: Path | None,
    no_cache: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Convert CHECKPOINT into a verified bundle for a target, or one for each of several.

    CHECKPOINT is a checkpoint of the reference architectures, or with --spec a .pt2 or .onnx file.
    """
    if (checkpoint is None) == (model is None):
        raise UsageError("Give one model to convert: CHECKPOINT, or --model PKG.NET:BUILD.")
    if no_cache and cache is not None:
        raise UsageError("--cache and --no-cache contradict each other; give one of them.")
    options["cache"] = None if no_cache else cache or "default"
    paths = {"path": checkpoint, "weights": weights, "spec": spec}
    if len(targets) > 1:
        _several(_supervised(paths, model, targets, options), as_json)
        return
    try:
        from edge_sdk.converters.pipeline import convert
        from edge_sdk.converters.sources import Origin
    except ImportError as error:
        raise DependencyError(
            f"Converting needs packages that are not installed here ({error.name}): "
            "pip install 'edge-sdk[convert]'."
        ) from error
    with StageProgress() as progress:
        options["progress"] = progress
        origin = Origin(path=checkpoint, model=model, weights=weights, spec=spec)
        report = convert(origin, target=targets[0], **options)
    _one(report, as_json)


def _supervised(
    paths: dict[str, Path | None],
    model: str | None,
    targets: tuple[str, ...],
    options: dict[str, Any],
) -> tuple[Settled, ...]:
    """Convert in another process: what dies there is a sentence here, and the rest goes on."""
    from edge_sdk.converters.supervise import Request, convert_supervised

    request = Request(
        paths={name: None if path is None else str(path) for name, path in paths.items()},
        model=model,
        targets=targets,
        options={
            name: str(value) if isinstance(value, Path) else value
            for name, value in options.items()
        },
    )
    return convert_supervised(request, worker="edge_sdk.cli.convert_worker")


def _one(report: ConversionReport, as_json: bool) -> None:
    for warning in report.warnings:
        click.echo(f"warning: {warning}", err=True)
    if as_json:
        emit_json(report)
    else:
        _print(report)


def _several(outcomes: tuple[Settled, ...], as_json: bool) -> None:
    if as_json:
        emit_json({"targets": {o.target: o.report or _plain(o.error) for o in outcomes}})
    for outcome in outcomes:
        if outcome.report is None:
            click.echo(f"error: {outcome.target}: {outcome.error}", err=True)
        elif not as_json:
            _one(outcome.report, as_json)
    if any(outcome.error for outcome in outcomes):
        # Every target has had its turn and its sentence; the code says that some failed.
        raise click.exceptions.Exit(SOME_FAILED)


def _plain(error: EdgeError | None) -> dict[str, object]:
    return {} if error is None else {"error": {"kind": error.kind, "message": str(error)}}


def _print(report: ConversionReport) -> None:
    for edition in report.editions:
        click.echo(f"{report.name} for {report.target} on {edition.engine};")
        _print_parts(edition)
        _print_whole(edition)
        ratio = edition.size / report.fp32_size
        click.echo(f"{edition.size / 1e6:.2f} MB of graphs, {ratio:.2f} of fp32.\n")
    click.echo(f"Written: {report.output}")


def _print_parts(edition: EditionReport) -> None:
    heads = list(edition.quality.heads)
    rows: list[tuple[str, ...]] = [
        ("part", "shipped", "kB", "kB fp32", *(f"{head} drop" for head in heads), "still float")
    ]
    for part in edition.parts:
        mine = next(attempt for attempt in part.attempts if attempt.precision == part.precision)
        drops = (f"{mine.drops[head]:+.2f}" for head in heads)
        sizes = (f"{part.size / 1e3:.1f}", f"{part.fp32_size / 1e3:.1f}")
        rows.append((part.name, part.precision, *sizes, *drops, float_cell(mine.stayed_float)))
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
    rows: list[tuple[str, ...]] = [("head", "F1 fp32", "F1 shipped", "same label")]
    for name, q in quality.heads.items():
        f1 = [f"{s.macro_f1:.3f}" if q.samples else "" for s in (q.fp32, q.shipped)]
        rows.append((name, *f1, f"{q.agreement:.1%}"))
    click.echo(table(rows))

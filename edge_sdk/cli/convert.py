"""``edge-sdk convert``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import SOME_FAILED, EdgeError, UsageError
from .conversion import print_report
from .output import emit_json

if TYPE_CHECKING:
    from edge_sdk.converters.report import ConversionReport
    from edge_sdk.converters.settled import Settled


@click.command("convert")
@click.argument("checkpoint", type=click.Path(path_type=Path), required=False)
@click.option("--model", metavar="PKG.NET:BUILD",
              help="Instead of CHECKPOINT: a callable that gives an nn.Module. It is imported "
              "and run, with the current folder importable: name only code you trust.")  # fmt: skip
@click.option("--weights", type=click.Path(path_type=Path),
              help="Weights for --model: .safetensors, or .pt loaded without code.")  # fmt: skip
@click.option("--spec", type=click.Path(path_type=Path),
              help="The model.toml of --model, a .pt2 or an .onnx file.")  # fmt: skip
@click.option("--target", "targets", multiple=True,
              help="A target profile, or a .toml file; may be given several times. Default: the "
              "recipe's, or this machine.")  # fmt: skip
@click.option("--data", "--calibration", "calibration", required=True,
              type=click.Path(path_type=Path),
              help="A sample set of real samples to calibrate with, at least 32.")  # fmt: skip
@click.option("--evaluation", type=click.Path(path_type=Path),
              help="Held-out samples for the gate; else a share of --data.")  # fmt: skip
@click.option("--recipe", type=click.Path(path_type=Path),
              help="Decisions as data; the options below go before it.")  # fmt: skip
@click.option("--write-recipe", type=click.Path(path_type=Path),
              help="Where to write the recipe that was used.")  # fmt: skip
@click.option("--output", required=True, type=click.Path(path_type=Path),
              help="A .edge file or a folder; for several targets, where they go.")  # fmt: skip
@click.option("--report", is_flag=True,
              help="Let the bundle carry report.html, and all figures in report.json.")  # fmt: skip
@click.option("--report-to", type=click.Path(path_type=Path), metavar="FOLDER",
              help="Write report.html and report.json there, beside the bundle.")  # fmt: skip
@click.option("--max-drop", type=click.FloatRange(min=0),
              help="Points of macro-F1 a head may lose; default: the target's budget.")  # fmt: skip
@click.option("--max-size", metavar="SIZE",
              help="What the graphs may weigh: 2MB; default: the target's budget.")  # fmt: skip
@click.option("--max-latency", metavar="TIME",
              help="What an answer may take: 25ms. Candidates are then measured here.")  # fmt: skip
@click.option("--measure", is_flag=True, default=None,
              help="Measure the candidates, and choose by time where this machine stands for the "
              "target.")  # fmt: skip
@click.option("--precision",
              type=click.Choice(["auto", "int8", "int8-mixed", "int8-dynamic", "fp32"]),
              help="One precision, or the target's order (auto). int8-mixed keeps as few layers "
              "in floating point as the budget asks for.")  # fmt: skip
@click.option("--engine", "engines", multiple=True,
              help="An edition for this engine (repeatable); default: the target's.")  # fmt: skip
@click.option("--streaming", is_flag=True, default=None,
              help="Let audio stream also where that takes a second graph (litert).")  # fmt: skip
@click.option("--check-kernels", is_flag=True,
              help="Say which kernels TensorRT-RTX has for every graph of a TensorRT kit; fail "
              "where it is not installed.")  # fmt: skip
@click.option("--prune", metavar="0.3,0.5",
              help="Pruned candidates: shares of the channels to remove.")  # fmt: skip
@click.option("--recover", type=click.IntRange(min=0), metavar="EPOCHS",
              help="Recover pruned candidates on --data; without --prune, they are tried where "
              "nothing else keeps the budgets.")  # fmt: skip
@click.option("--finetune-int8", type=click.IntRange(min=0), metavar="EPOCHS",
              help="Fine-tune with the rounding of int8, where int8 breaks --max-drop "
              "otherwise.")  # fmt: skip
@click.option("--recovery-data", type=click.Path(path_type=Path),
              help="A sample set to recover and fine-tune on instead of --data; samples that "
              "judge are left out of it.")  # fmt: skip
@click.option("--finetune", metavar="PKG:FUNCTION",
              help="Recover and fine-tune with a function of your own. It is imported and "
              "run.")  # fmt: skip
@click.option("--variants", metavar="full,small,...",
              help="A ladder of cheaper variants in one bundle: small, audio-only, audio+text, "
              "...; the costliest first.")  # fmt: skip
@click.option("--small-drop", type=click.FloatRange(min=0), metavar="POINTS",
              help="What a head may lose on the variant small.")  # fmt: skip
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
    write_recipe: Path | None,
    report: bool,
    report_to: Path | None,
    **options: Any,
) -> None:
    """Convert CHECKPOINT into a verified bundle for a target, or one for each of several.

    CHECKPOINT is a checkpoint of the reference architectures, or with --spec a .pt2 or .onnx file.
    """
    if (checkpoint is None) == (model is None):
        raise UsageError("Give one model to convert: CHECKPOINT, or --model PKG.NET:BUILD.")
    extras = {"write_recipe": write_recipe, "report": report, "report_to": report_to}
    for name, value in extras.items():
        if value and len(targets) > 1:
            option = name.replace("_", "-")
            raise UsageError(f"--{option} takes one --target: each has one of its own.")
    if no_cache and cache is not None:
        raise UsageError("--cache and --no-cache contradict each other; give one of them.")
    options["cache"] = None if no_cache else cache or "default"
    paths = {"path": checkpoint, "weights": weights, "spec": spec}
    options |= {name: value for name, value in extras.items() if value}
    outcomes = _supervised(paths, model, targets, options)
    if len(targets) > 1:
        _several(outcomes, as_json)
    else:
        (outcome,) = outcomes
        _alone(outcome, as_json)


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
        targets=targets or ("",),
        several=len(targets) > 1,
        options={
            name: str(value) if isinstance(value, Path) else value
            for name, value in options.items()
        },
    )
    return convert_supervised(request, worker="edge_sdk.cli.convert_worker")


def _alone(outcome: Settled, as_json: bool) -> None:
    if outcome.error is not None:
        raise outcome.error
    if outcome.report is not None:
        _one(outcome.report, as_json)


def _one(report: ConversionReport, as_json: bool) -> None:
    for warning in report.warnings:
        click.echo(f"warning: {warning}", err=True)
    for note in report.search.notes if report.search else ():
        click.echo(f"note: {note}", err=True)
    if as_json:
        emit_json(report)
    else:
        print_report(report)


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

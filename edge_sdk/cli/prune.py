"""``edge-sdk prune``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import DependencyError, UsageError
from .output import emit_json, table
from .progress import StageProgress

if TYPE_CHECKING:
    from edge_sdk.converters.pruning import PruningPlan, PruningReport


@click.command("prune")
@click.argument("checkpoint", type=click.Path(path_type=Path), required=False)
@click.option("--model", metavar="PKG.NET:BUILD",
              help="Instead of CHECKPOINT: a callable that gives an nn.Module. It is imported "
              "and run, with the current folder importable: name only code you trust.")  # fmt: skip
@click.option("--weights", type=click.Path(path_type=Path),
              help="Weights for --model: .safetensors, or .pt loaded without code.")  # fmt: skip
@click.option("--spec", type=click.Path(path_type=Path), help="The model.toml of --model.")
@click.option("--data", type=click.Path(path_type=Path),
              help="A sample set to weigh channels by and to recover on.")  # fmt: skip
@click.option("--recovery-data", type=click.Path(path_type=Path),
              help="A sample set to recover on instead of --data; samples that judge are left "
              "out of it.")  # fmt: skip
@click.option("--evaluation", type=click.Path(path_type=Path),
              help="Held-out samples for the scores; else a share of --data.")  # fmt: skip
@click.option("--plan", "plan_file", type=click.Path(path_type=Path),
              help="A pruning plan as a .toml file; the options below change it.")  # fmt: skip
@click.option("--ratio", type=click.FloatRange(0, 1, max_open=True),
              help="Share of the channels to remove.")  # fmt: skip
@click.option("--macs", type=click.FloatRange(0, 1, min_open=True),
              help="Share of the multiply-accumulates to keep.")  # fmt: skip
@click.option("--latency", type=click.FloatRange(0, 1, min_open=True),
              help="Share of the milliseconds in ONNX Runtime to keep.")  # fmt: skip
@click.option("--part", "parts", multiple=True, metavar="NAME=RATIO",
              help="The share of one part (repeatable); 0 keeps it.")  # fmt: skip
@click.option("--criterion", help="taylor (default), l1, l2, batch-norm, or one of your own.")
@click.option("--keep", multiple=True, metavar="PATTERN",
              help="Layers to leave alone, by name (repeatable).")  # fmt: skip
@click.option("--embeddings/--keep-embeddings", "embeddings", default=None,
              help="Prune the embeddings' widths too; default: keep them.")  # fmt: skip
@click.option("--mask", type=click.Choice(["magnitude", "2:4"]),
              help="Zeros in place, after or instead of smaller shapes.")  # fmt: skip
@click.option("--recover", type=click.IntRange(min=0), metavar="EPOCHS",
              help="Most epochs of recovery; 0 leaves the raw model.")  # fmt: skip
@click.option("--finetune", metavar="PKG.MOD:FUNCTION",
              help="Recover by a function of yours: finetune(model, data).")  # fmt: skip
@click.option("--minutes", type=click.FloatRange(0, min_open=True),
              help="Bound of the recovery's time on the processor.")  # fmt: skip
@click.option("--seed", type=int, help="Of everything that is drawn.")
@click.option("--no-measure", is_flag=True, help="Do not time the parts in ONNX Runtime.")
@click.option("--output", required=True, type=click.Path(path_type=Path),
              help="A folder for the pruned checkpoint.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print the report as one JSON object.")
def command(
    checkpoint: Path | None,
    model: str | None,
    weights: Path | None,
    spec: Path | None,
    data: Path | None,
    recovery_data: Path | None,
    evaluation: Path | None,
    plan_file: Path | None,
    no_measure: bool,
    output: Path,
    as_json: bool,
    **options: Any,
) -> None:
    """Remove channels from CHECKPOINT, recover its accuracy, write a smaller checkpoint.

    Give one of --ratio, --macs and --latency, or a --plan. Whatever is not understood stays as
    it is, and is listed.
    """
    if (checkpoint is None) == (model is None):
        raise UsageError("Give one model to prune: CHECKPOINT, or --model PKG.NET:BUILD.")
    try:
        from edge_sdk.converters.data import split_data
        from edge_sdk.converters.pruning import (
            check_output,
            engine_milliseconds,
            prune_source,
            save_pruned,
        )
        from edge_sdk.converters.sources import Origin, read_source
    except ImportError as error:
        raise DependencyError(
            f"Pruning needs packages that are not installed here ({error.name}): "
            "pip install 'edge-sdk[convert]'."
        ) from error
    plan = _plan(plan_file, options, data is not None)
    check_output(output)
    source = read_source(Origin(path=checkpoint, model=model, weights=weights, spec=spec))
    for option, given in (("evaluation", evaluation), ("recovery-data", recovery_data)):
        if given is not None and data is None:
            raise UsageError(f"--{option} goes with --data.")
    if recovery_data is not None and plan.recovery.method == "none":
        raise UsageError("--recovery-data has nothing to do: this plan recovers nothing.")
    split = None
    if data is not None:
        split = split_data(data, evaluation, source.frontends.modalities, recovery_data)
    with StageProgress() as progress:
        pruned = prune_source(
            source,
            plan,
            training=split.calibration if split else None,
            recovery=split.recovery if split else None,
            evaluation=split.evaluation if split else None,
            measure=None if no_measure and plan.latency is None else engine_milliseconds,
            progress=progress,
        )
        save_pruned(output, pruned)
    for warning in [*pruned.report.warnings, *(split.warnings() if split else ())]:
        click.echo(f"warning: {warning}", err=True)
    if as_json:
        emit_json(pruned.report)
        return
    _print(pruned.report)
    if split:
        click.echo(f"Scores on {pruned.report.evaluation_samples} samples ({split.source}).")
    click.echo(f"Written: {output}")


def _plan(path: Path | None, options: dict[str, Any], has_data: bool) -> PruningPlan:
    """The file's plan with the options over it."""
    from edge_sdk.converters.pruning import as_plan

    table_ = {} if path is None else _read(path)
    for name in ("ratio", "macs", "latency", "criterion", "seed"):
        if options[name] is not None:
            table_[name] = options[name]
    if options["embeddings"] is not None:
        table_["keep_embeddings"] = not options["embeddings"]
    if options["keep"]:
        table_["keep"] = list(options["keep"])
    if options["parts"]:
        table_["parts"] = dict(_share(words) for words in options["parts"])
    if options["mask"]:
        table_["mask"] = {**table_.get("mask", {}), "kind": options["mask"]}
    recovery = dict(table_.get("recovery", {}))
    if options["recover"] == 0:
        recovery["method"] = "none"
    elif options["recover"]:
        recovery["epochs"] = options["recover"]
    for name in ("finetune", "minutes"):
        if options[name] is not None:
            recovery[name] = options[name]
    if not has_data and path is None:
        # Without samples this is what can be done; who asks for more is refused.
        if not options["recover"] and not options["finetune"]:
            recovery["method"] = "none"
        table_.setdefault("criterion", "l2")
    if recovery:
        table_["recovery"] = recovery
    return as_plan(table_, path or "What you gave")


def _read(path: Path) -> dict[str, Any]:
    import msgspec

    try:
        content: dict[str, Any] = msgspec.toml.decode(path.read_bytes())
    except FileNotFoundError:
        raise UsageError(f"There is no plan at {path}.") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not TOML: {error}.") from error
    return content


def _share(words: str) -> tuple[str, float]:
    name, _, value = words.partition("=")
    try:
        return name, float(value)
    except ValueError:
        raise UsageError(f"--part must be NAME=RATIO, not {words!r}.") from None


def _print(report: PruningReport) -> None:
    rows: list[tuple[str, ...]] = [("part", "parameters", "", "MACs", "", "ms", "")]
    for part in report.parts:
        times = part.milliseconds
        ms = ("", "") if times is None else (f"{times[0]:.2f}", f"{times[1]:.2f}")
        counts = [f"{n:,}" for n in (*part.parameters, *part.macs)]
        rows.append((part.name, *counts, *ms))
    click.echo(table(rows))
    before, after = report.macs
    line = f"{after / before:.1%} of the multiply-accumulates"
    if all(part.milliseconds for part in report.parts):
        total = [sum(p.milliseconds[i] for p in report.parts if p.milliseconds) for i in (0, 1)]
        line += f", {total[0] / total[1]:.2f}x faster in ONNX Runtime (fp32, one thread)"
    click.echo(f"{line}; {report.criterion}, seed {report.seed}.")
    if report.mask is not None:
        _print_mask(report)
    if report.kept:
        click.echo("\nNot pruned:")
        for kept in report.kept:
            click.echo(f"  {kept.part}: {kept.name} ({kept.width}) {kept.why}")
    if not report.heads:
        return
    scores: list[tuple[str, ...]] = [
        ("head", "samples", "F1 before", "raw", "recovered", "points lost (95 %)", "same label")
    ]
    for name, head in report.heads.items():
        f1 = [f"{s.macro_f1:.3f}" if head.samples else "" for s in
              (head.before, head.raw, head.recovered)]  # fmt: skip
        low, high = head.drop_interval
        lost = f"{head.drop:+.1f} ({low:+.1f} to {high:+.1f})" if head.samples else ""
        scores.append((name, str(head.samples), *f1, lost, f"{head.agreement:.1%}"))
    click.echo("")
    click.echo(table(scores))
    recovery = report.recovery
    line = f"Recovery: {recovery.method}"
    if recovery.epochs:
        line += f", {recovery.samples} samples, {len(recovery.epochs)} epochs"
    click.echo(f"{line}, {recovery.seconds:.0f} s.")


def _print_mask(report: PruningReport) -> None:
    mask = report.mask
    assert mask is not None
    line = f"{mask.kind}: {mask.zeros:.0%} zeros in {mask.layers} layers"
    if mask.milliseconds is not None:
        line += f", {mask.milliseconds[0]:.2f} -> {mask.milliseconds[1]:.2f} ms in ONNX Runtime"
        line += " (its kernels are dense: zeros gain nothing there)"
    click.echo(f"{line}.")

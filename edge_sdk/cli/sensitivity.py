"""``edge-sdk sensitivity``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import DependencyError, UsageError
from .output import emit_json, table
from .progress import StageProgress

if TYPE_CHECKING:
    from edge_sdk.converters.sensitivity import PartCost, Sensitivity


@click.command("sensitivity")
@click.argument("checkpoint", type=click.Path(path_type=Path), required=False)
@click.option("--model", metavar="PKG.NET:BUILD",
              help="Instead of CHECKPOINT: a callable that gives an nn.Module. It is imported "
              "and run: name only code you trust.")  # fmt: skip
@click.option("--weights", type=click.Path(path_type=Path),
              help="Weights for --model: .safetensors, or .pt loaded without code.")  # fmt: skip
@click.option("--spec", type=click.Path(path_type=Path),
              help="The model.toml of --model, a .pt2 or an .onnx file.")  # fmt: skip
@click.option("--data", required=True, type=click.Path(path_type=Path),
              help="A sample set of real samples, at least 32.")  # fmt: skip
@click.option("--evaluation", type=click.Path(path_type=Path),
              help="Held-out samples for --accuracy; else a share of --data.")  # fmt: skip
@click.option("--target", default="local", show_default=True,
              help="Whose int8 scheme: a target profile, or a .toml file.")  # fmt: skip
@click.option("--part", "parts", multiple=True, help="Only this part; may be given several times.")
@click.option("--accuracy", is_flag=True,
              help="Also what each part, and its worst layers alone, lose on samples.")  # fmt: skip
@click.option("--cache", type=click.Path(path_type=Path),
              help="Where stages are kept; default: the user's cache folder.")  # fmt: skip
@click.option("--no-cache", is_flag=True, help="Keep no results of stages.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    checkpoint: Path | None,
    model: str | None,
    weights: Path | None,
    spec: Path | None,
    cache: Path | None,
    no_cache: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Say which layer of CHECKPOINT costs what in int8, the costliest first."""
    if (checkpoint is None) == (model is None):
        raise UsageError("Give one model to study: CHECKPOINT, or --model PKG.NET:BUILD.")
    if no_cache and cache is not None:
        raise UsageError("--cache and --no-cache contradict each other; give one of them.")
    try:
        from edge_sdk.converters.sensitivity import sensitivity
        from edge_sdk.converters.sources import Origin
    except ImportError as error:
        raise DependencyError(
            f"This needs packages that are not installed here ({error.name}): "
            "pip install 'edge-sdk[convert]'."
        ) from error
    origin = Origin(path=checkpoint, model=model, weights=weights, spec=spec)
    with StageProgress() as progress:
        found = sensitivity(
            origin, cache=None if no_cache else cache or "default", progress=progress, **options
        )
    if as_json:
        emit_json(found)
    else:
        _print(found)


def _print(found: Sensitivity) -> None:
    for part in found.parts:
        click.echo(_head(part))
        click.echo(_layers(part))
        if part.keep:
            click.echo(f"int8-mixed keeps: {', '.join(kept.layer for kept in part.keep)}")
        click.echo()
    accuracy = f"; points of macro-F1 lost on {found.samples} samples" if found.samples else ""
    click.echo(
        f"{found.name} for {found.target}. 'alone' is the signal-to-noise ratio of the part's "
        "output with that layer alone in int8, 'own' that of the layer's output with the whole "
        f"part in int8{accuracy}."
    )


def _head(part: PartCost) -> str:
    drops = "".join(f", {head} {drop:+.2f}" for head, drop in (part.drops or {}).items())
    return f"{part.name}: {part.snr_db:.1f} dB in int8{drops}"


def _layers(part: PartCost) -> str:
    heads = list(part.drops or {})
    rows: list[tuple[str, ...]] = [
        ("layer", "operators", "weights", "MACs", "alone dB", "noise", "own dB",
         *(f"{head} drop" for head in heads))
    ]  # fmt: skip
    for layer in part.layers:
        drops = (f"{layer.drops[head]:+.2f}" if layer.drops else "" for head in heads)
        operators = " ".join(sorted(set(layer.operators)))
        cells = (f"{layer.snr_db:.1f}", f"{layer.noise_share:.1%}", f"{layer.own_db:.1f}")
        rows.append((layer.name, operators, f"{layer.weights}", f"{layer.macs}", *cells, *drops))
    return table(rows)

"""``edge-sdk inspect``."""

from __future__ import annotations

from pathlib import Path

import click

from ..bundle import Bundle, Manifest
from ..bundle.manifest import Quality
from .output import emit_json, float_cell, printable, table


@click.command("inspect")
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(bundle: Path, as_json: bool) -> None:
    """Say what is in BUNDLE: parts, precisions, sizes, accuracy, labels, provenance."""
    opened = Bundle.open(bundle)
    manifest = opened.manifest
    if as_json:
        emit_json(
            {
                "path": printable(str(bundle)),
                "size": {"total": opened.size(), "parts": opened.size("parts/")},
                "manifest": manifest,
            }
        )
        return
    target = manifest.target
    click.echo(f"{manifest.name} for {target.name} ({target.cpu}); schema {manifest.schema}")
    click.echo(
        f"{opened.size('parts/') / 1e6:.2f} MB of graphs, {opened.size() / 1e6:.2f} MB in all\n"
    )
    for name in manifest.all_editions():
        click.echo(_edition(manifest, name) + "\n")
    if len(manifest.ladder) > 1:
        click.echo(_ladder(manifest) + "\n")
    for head in manifest.heads:
        shown = ", ".join(head.labels[:8]) + (", ..." if len(head.labels) > 8 else "")
        click.echo(f"{head.name}: {len(head.labels)} labels ({shown})")
    click.echo("\n" + _frontends(manifest))
    click.echo(_provenance(manifest))


def _edition(manifest: Manifest, name: str) -> str:
    edition = manifest.editions[name]
    rows: list[tuple[str, ...]] = [("part", "engine", "precision", "kB", "weights", "still float")]
    for part in manifest.parts_of(name):
        variant = manifest.variant(part, name)
        size = manifest.files[variant.file].size / 1e3
        share = float_cell(variant.stayed_float)
        weights = part.parameters if variant.parameters is None else variant.parameters
        rows.append(
            (part.name, variant.engine, variant.precision, f"{size:.1f}", str(weights), share)
        )
    only = f" answers on {', '.join(edition.modalities)} alone" if edition.modalities else ""
    lines = [f"{name}:{only}", table(rows)]
    lines += [f"{part} falls back: {why}" for part, why in edition.fallbacks.items()]
    return "\n".join([*lines, "", _quality(edition.quality)])


def _ladder(manifest: Manifest) -> str:
    """One line a rung of each engine: what it weighs, and what its worst head loses."""
    rows: list[tuple[str, ...]] = [("rung", "edition", "answers on", "kB", "points lost at most")]
    for engine in manifest.ordered_editions():
        for rung, name in manifest.rungs(engine).items():
            edition = manifest.editions[name]
            size = sum(manifest.files[file].size for file in edition.parts.values())
            lost = f"{max(q.drop for q in edition.quality.heads.values()):+.2f}"
            on = ", ".join(manifest.modalities_of(name))
            rows.append((rung, name, on, f"{size / 1e3:.1f}", lost))
    return "From the costliest to the cheapest:\n" + table(rows)


def _quality(quality: Quality) -> str:
    rows: list[tuple[str, ...]] = [
        ("head", "samples", "acc fp32", "acc shipped", "F1 fp32", "F1 shipped", "same label")
    ]
    for name, q in quality.heads.items():
        scores = (q.fp32.accuracy, q.shipped.accuracy, q.fp32.macro_f1, q.shipped.macro_f1)
        cells = [f"{score:.3f}" if q.samples else "" for score in scores]
        rows.append((name, str(q.samples), *cells, f"{q.agreement:.1%}"))
    return f"On {quality.samples} samples ({quality.source}):\n" + table(rows)


def _frontends(manifest: Manifest) -> str:
    lines = []
    f = manifest.frontends
    if f.audio is not None:
        a = f.audio
        windows = f", {a.window_ms:g}/{a.hop_ms:g} ms, {a.bands} bands"
        lines.append(
            f"audio: {a.features}, {a.rate} Hz{windows if a.features == 'log-mel' else ''}"
        )
    if f.image is not None:
        lines.append(f"image: {f.image.width}x{f.image.height}, {f.image.resize}")
    if f.text is not None:
        lines.append(f"text: {len(f.text.vocabulary)} tokens, at most {f.text.max_tokens}")
    if f.video is not None:
        frame = f.video.frame
        lines.append(
            f"video: {f.video.frames} frames at {f.video.fps:g}/s, {frame.width}x{frame.height}"
        )
    return "\n".join([*lines, f"front-ends: {manifest.frontends_hash[:16]}"])


def _provenance(manifest: Manifest) -> str:
    p = manifest.provenance
    tools = ", ".join(f"{name} {version}" for name, version in p.tools.items())
    trained = (
        f"; trained on: {p.recovery_samples} ({p.recovery[:16]})" if p.recovery_samples else ""
    )
    return (
        f"checkpoint: {p.checkpoint[:16]}; calibration: {p.calibration_samples} samples "
        f"({p.calibration[:16]}); evaluation: {p.evaluation_samples} ({p.evaluation[:16]})"
        f"{trained}\n"
        f"made with: {tools}\n"
        f"golden samples: {len(manifest.golden)}"
    )

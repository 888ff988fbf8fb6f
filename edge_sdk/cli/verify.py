"""``edge-sdk verify``."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..bundle import Bundle
from ..bundle.golden import Deviation
from ..errors import BundleError, EdgeError
from .output import emit_json, printable, table

if TYPE_CHECKING:
    from edge_sdk.runtimes.parts import LoadedParts

Results = list[tuple[str, Deviation]]


@click.command("verify")
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option("--engine", default="all", show_default=True,
              help="The engine to check with; 'all': every one that is installed.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(bundle: Path, engine: str, as_json: bool) -> None:
    """Check BUNDLE: every file's hash, the schema, and every stage's golden outputs here."""
    opened = Bundle.open(bundle)
    files = opened.check_files()
    checked, absent = _check(opened, engine)
    failed = [(r, e) for e, (_, results) in checked.items() for r in results if not r[1].ok]
    if as_json:
        emit_json(
            {
                "path": printable(str(bundle)),
                "ok": not failed,
                "files": files,
                "editions": {name: _plain(*found) for name, found in checked.items()},
                "not_checked": absent,
            }
        )
    else:
        click.echo(f"{files} files match their hashes.\n")
        for name, (parts, results) in checked.items():
            _print(name, parts, results)
        for name, why in absent.items():
            click.echo(f"{name}: not checked here. {why}")
    if failed:
        (sample, worst), edition = failed[0]
        click.echo(
            f"error: {bundle} does not reproduce its golden outputs on this machine: "
            f"{len(failed)} checks fail, first {worst.stage} of sample {sample} with {edition} "
            f"(error {worst.max_abs:.2g}).",
            err=True,
        )
        # What was found is on standard output already: the object stays the only one.
        raise click.exceptions.Exit(BundleError.exit_code)


def _check(
    bundle: Bundle, engine: str
) -> tuple[dict[str, tuple[LoadedParts, Results]], dict[str, str]]:
    """Results by edition, and why other editions could not be checked."""
    from edge_sdk.runtimes.engines import EngineOptions
    from edge_sdk.runtimes.parts import LoadedParts, choose_edition
    from edge_sdk.runtimes.selftest import check_golden

    manifest = bundle.manifest
    if not manifest.golden:
        raise BundleError(f"{bundle.path} carries no golden sample to verify with.")
    wanted: Iterable[str] = manifest.rungs(engine).values() or (engine,)
    if engine == "all":
        wanted = manifest.all_editions()
    checked: dict[str, tuple[LoadedParts, Results]] = {}
    absent: dict[str, EdgeError] = {}
    for name in wanted:
        try:
            edition = choose_edition(manifest, name)
        except EdgeError as error:
            absent[name] = error
            continue
        parts = LoadedParts(bundle, edition, EngineOptions(threads=manifest.target.threads))
        checked[edition] = (parts, list(check_golden(bundle, parts)))
    if not checked:
        raise next(iter(absent.values()))
    return checked, {name: str(error) for name, error in absent.items()}


def _plain(parts: LoadedParts, results: Results) -> dict[str, object]:
    return {
        "engines": parts.engines,
        "providers": {loaded.part.name: loaded.graph.provider for loaded in parts},
        "stages": [
            {
                "sample": sample,
                "stage": r.stage,
                "ok": r.ok,
                # JSON has no infinity: an exact match has no ratio, a wrong shape no error.
                "max_abs": r.max_abs if r.max_abs != float("inf") else None,
                "snr_db": round(r.snr_db, 1) if abs(r.snr_db) != float("inf") else None,
            }
            for sample, r in results
        ],
    }


def _print(name: str, parts: LoadedParts, results: Results) -> None:
    """One line a stage: the worst of its samples."""
    stages: dict[str, list[Deviation]] = {}
    for _, result in results:
        stages.setdefault(result.stage, []).append(result)
    rows: list[tuple[str, ...]] = [("stage", "samples", "largest error", "signal/error dB", "")]
    for stage, group in stages.items():
        worst = max(group, key=lambda r: r.max_abs)
        snr = "exact" if worst.snr_db == float("inf") else f"{worst.snr_db:.1f}"
        verdict = "ok" if all(r.ok for r in group) else "FAILED"
        rows.append((stage, str(len(group)), f"{worst.max_abs:.2g}", snr, verdict))
    versions = ", ".join(f"{engine} {version}" for engine, version in parts.engines.items())
    where = ", ".join(f"{loaded.part.name} on {loaded.graph.provider}" for loaded in parts)
    click.echo(f"{name} ({versions}; {where})")
    click.echo(table(rows))
    held = sum(result.ok for _, result in results)
    click.echo(f"{held} of {len(results)} golden checks hold.\n")

"""``edge-sdk verify``."""

from __future__ import annotations

from pathlib import Path

import click

from ..bundle import Bundle
from ..bundle.golden import Deviation
from ..errors import BundleError
from .output import emit_json, printable, table


@click.command("verify")
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option("--engine", default="auto", show_default=True, help="The engine to check with.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(bundle: Path, engine: str, as_json: bool) -> None:
    """Check BUNDLE: every file's hash, the schema, and every stage's golden outputs here."""
    from edge_sdk.runtimes.engines import EngineOptions, choose_engine
    from edge_sdk.runtimes.parts import LoadedParts, engines_offered
    from edge_sdk.runtimes.selftest import check_golden

    opened = Bundle.open(bundle)
    files = opened.check_files()
    chosen = choose_engine(engine, engines_offered(opened))
    options = EngineOptions(threads=opened.manifest.target.threads)
    parts = LoadedParts(opened, chosen, options)
    results = list(check_golden(opened, parts))
    if not results:
        raise BundleError(f"{bundle} carries no golden sample to verify with.")
    failed = [(sample, result) for sample, result in results if not result.ok]
    if as_json:
        emit_json(
            {
                "path": printable(str(bundle)),
                "ok": not failed,
                "files": files,
                "engine": chosen.name,
                "engine_version": chosen.version(),
                "providers": {loaded.part.name: loaded.graph.provider for loaded in parts},
                "stages": [{"sample": sample, **_plain(result)} for sample, result in results],
            }
        )
    else:
        _print(results)
        provider = ", ".join(sorted({loaded.graph.provider for loaded in parts}))
        click.echo(
            f"\n{files} files match their hashes; {len(results) - len(failed)} of {len(results)} "
            f"golden checks hold with {chosen.name} {chosen.version()} ({provider})."
        )
    if failed:
        sample, worst = failed[0]
        sentence = (
            f"{bundle} does not reproduce its golden outputs on this machine: {len(failed)} of "
            f"{len(results)} checks fail, first {worst.stage} of sample {sample} "
            f"(error {worst.max_abs:.2g})."
        )
        if as_json:
            click.echo(f"error: {sentence}", err=True)
            raise SystemExit(BundleError.exit_code)
        raise BundleError(sentence)


def _plain(result: Deviation) -> dict[str, object]:
    """JSON has no infinity: an exact match has no ratio, a wrong shape no error to state."""
    finite = abs(result.snr_db) != float("inf")
    return {
        "stage": result.stage,
        "ok": result.ok,
        "max_abs": result.max_abs if result.max_abs != float("inf") else None,
        "snr_db": round(result.snr_db, 1) if finite else None,
    }


def _print(results: list[tuple[str, Deviation]]) -> None:
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
    click.echo(table(rows))

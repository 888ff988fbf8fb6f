"""``edge-sdk verify``."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from ..bundle import Bundle
from ..bundle.golden import Deviation
from ..errors import BundleError, EdgeError, EngineError
from .output import emit_json, printable, table
from .placement import placement_table, plain_placement

if TYPE_CHECKING:
    from edge_sdk.runtimes.placement import PartPlacement

Results = list[tuple[str, Deviation]]


class Checked(NamedTuple):
    """One edition: the versions of its engines, where its parts ran, and what came out."""

    engines: dict[str, str]
    placement: list[PartPlacement]
    results: Results


@click.command("verify")
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option("--engine", default="all", show_default=True,
              help="The engine to check with; 'all': every one that is installed.")  # fmt: skip
@click.option("--require-provider", "provider", metavar="NAME",
              help="Fail if a single node of what is checked runs on another provider or delegate "
              "(CPUExecutionProvider, XNNPACK, TensorRT, ...).")  # fmt: skip
@click.option("--cache", type=click.Path(path_type=Path),
              help="Where 'edge-sdk build --cache' put compiled engines.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    bundle: Path, engine: str, provider: str | None, cache: Path | None, as_json: bool
) -> None:
    """Check BUNDLE: every file's hash, the schema, and every stage's golden outputs here.

    Says for every part where its nodes ran, and which of an int8 graph computed in floats.
    """
    opened = Bundle.open(bundle)
    files = opened.check_files()
    checked, absent = _check(opened, engine, cache)
    failed = [(r, e) for e, found in checked.items() for r in found.results if not r[1].ok]
    breaches = _breaches(checked, provider)
    if as_json:
        emit_json(
            {
                "path": printable(str(bundle)),
                "ok": not failed and not breaches,
                "files": files,
                "editions": {name: _plain(found) for name, found in checked.items()},
                "not_checked": absent,
                "elsewhere": breaches,
            }
        )
    else:
        click.echo(f"{files} files match their hashes.\n")
        for name, found in checked.items():
            _print(name, found)
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
    for sentence in breaches:
        click.echo(f"error: {sentence}", err=True)
    if failed or breaches:
        # What was found is on standard output already: the object stays the only one.
        code = BundleError.exit_code if failed else EngineError.exit_code
        raise click.exceptions.Exit(code)


def _breaches(checked: dict[str, Checked], provider: str | None) -> list[str]:
    """A sentence for every edition that does not run wholly on ``provider``."""
    from edge_sdk.runtimes.placement import require_provider

    sentences = []
    for name, found in checked.items() if provider is not None else ():
        try:
            require_provider(found.placement, provider or "", f"The edition {name}")
        except EngineError as error:
            sentences.append(str(error))
    return sentences


def _check(
    bundle: Bundle, engine: str, cache: Path | None
) -> tuple[dict[str, Checked], dict[str, str]]:
    """Results by edition, and why other editions could not be checked."""
    from edge_sdk.runtimes.engines import EngineOptions
    from edge_sdk.runtimes.parts import LoadedParts, choose_edition
    from edge_sdk.runtimes.placement import placements
    from edge_sdk.runtimes.selftest import check_golden

    manifest = bundle.manifest
    if not manifest.golden:
        raise BundleError(f"{bundle.path} carries no golden sample to verify with.")
    wanted: Iterable[str] = manifest.rungs(engine).values() or (engine,)
    if engine == "all":
        wanted = manifest.all_editions()
    options = EngineOptions(threads=manifest.target.threads, trace=True, cache=cache)
    checked: dict[str, Checked] = {}
    absent: dict[str, EdgeError] = {}
    for name in wanted:
        try:
            edition = choose_edition(manifest, name)
        except EdgeError as error:
            absent[name] = error
            continue
        with closing(LoadedParts(bundle, edition, options)) as parts:
            results = list(check_golden(bundle, parts))
            checked[edition] = Checked(parts.engines, placements(parts), results)
    if not checked:
        raise next(iter(absent.values()))
    return checked, {name: str(error) for name, error in absent.items()}


def _plain(found: Checked) -> dict[str, object]:
    return {
        "engines": found.engines,
        "providers": {one.part: one.provider for one in found.placement},
        "placement": [plain_placement(one) for one in found.placement],
        "stages": [
            {
                "sample": sample,
                "stage": r.stage,
                "ok": r.ok,
                # JSON has no infinity: an exact match has no ratio, a wrong shape no error.
                "max_abs": r.max_abs if r.max_abs != float("inf") else None,
                "probability": r.probability,
                "snr_db": round(r.snr_db, 1) if abs(r.snr_db) != float("inf") else None,
            }
            for sample, r in found.results
        ],
    }


def _print(name: str, found: Checked) -> None:
    """One line a stage: the worst of its samples."""
    stages: dict[str, list[Deviation]] = {}
    for _, result in found.results:
        stages.setdefault(result.stage, []).append(result)
    rows: list[tuple[str, ...]] = [("stage", "samples", "largest error", "signal/error dB", "")]
    for stage, group in stages.items():
        worst = max(group, key=lambda r: r.max_abs)
        snr = "exact" if worst.snr_db == float("inf") else f"{worst.snr_db:.1f}"
        verdict = "ok" if all(r.ok for r in group) else "FAILED"
        meant = [r.probability for r in group if r.probability is not None]
        if meant:
            # An int8 head whose outputs nearly cancel was held by what it means.
            verdict += f" (probabilities off by {max(meant):.2g})"
        rows.append((stage, str(len(group)), f"{worst.max_abs:.2g}", snr, verdict))
    versions = ", ".join(f"{engine} {version}" for engine, version in found.engines.items())
    click.echo(f"{name} ({versions})")
    click.echo(placement_table(found.placement) + "\n")
    click.echo(table(rows))
    held = sum(result.ok for _, result in found.results)
    click.echo(f"{held} of {len(found.results)} golden checks hold.\n")

"""The command line of the comparison."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path

import click

from edge_sdk.errors import EdgeError, UsageError
from edge_sdk.files import replacing

from ..machine import load_average, this_machine
from ..section import write_section
from .compare import compare
from .environment import versions_of
from .frontends import frontend_rows
from .material import TIMED, Material
from .page import SECTION, to_markdown
from .result import FrontendRow, NotRun, Result, to_json
from .roster import CANDIDATES, FP32, NOT_RUN, OURS


@click.command()
@click.option("--checkpoint", type=click.Path(path_type=Path), show_default=True,
              default=Path("examples/show_and_ask/checkpoint"))  # fmt: skip
@click.option("--data", type=click.Path(path_type=Path), default=Path("build/demo/data"),
              show_default=True, help="A folder with calibration and held-out.")  # fmt: skip
@click.option("--environments", type=click.Path(path_type=Path), default=Path("build/peers"),
              show_default=True, help="Where the peers' environments are kept.")  # fmt: skip
@click.option("--only", multiple=True, help="This candidate, besides fp32 and ours; repeatable.")
@click.option("--seeds", type=click.IntRange(min=1), default=3, show_default=True)
@click.option("--samples", type=click.IntRange(min=48), default=128, show_default=True,
              help="Calibration samples a seed.")  # fmt: skip
@click.option("--rounds", type=click.IntRange(min=2), default=21, show_default=True,
              help="Measurements of latency a seed.")  # fmt: skip
@click.option("--output", type=click.Path(path_type=Path),
              help="The .md page whose section is written.")  # fmt: skip
@click.option("--json", "numbers", type=click.Path(path_type=Path),
              help="The file for the raw numbers.")  # fmt: skip
def command(
    checkpoint: Path,
    data: Path,
    environments: Path,
    only: tuple[str, ...],
    seeds: int,
    samples: int,
    rounds: int,
    output: Path | None,
    numbers: Path | None,
) -> None:
    """Compare Edge SDK with its peers, which are installed first where they are not there."""
    known = [one.name for one in CANDIDATES]
    for name in only:
        if name not in known:
            raise UsageError(f"There is no candidate {name!r}; known: {', '.join(known)}.")
    chosen = [c for c in CANDIDATES if not only or c.name in (*only, OURS, FP32)]
    left_out = [NotRun(c.title, "left out of this run") for c in CANDIDATES if c not in chosen]
    started, before = time.monotonic(), load_average()
    with tempfile.TemporaryDirectory(prefix="edge-sdk-peers-") as scratch:
        material = Material(checkpoint, data, Path(scratch), environments.resolve(), samples)
        rows, missing = compare(chosen, material, range(seeds), rounds, _say)
        try:
            frontends: tuple[FrontendRow, ...] = tuple(frontend_rows(material, rounds))
        except EdgeError as error:
            frontends = ()
            missing.append(NotRun("log-mel", str(error)))
        result = Result(
            date=datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
            command=_call(only),
            machine=this_machine(),
            load_before=before,
            load_after=load_average(),
            seconds=time.monotonic() - started,
            seeds=tuple(range(seeds)),
            calibration_samples=min(samples, len(material.calibration)),
            evaluation_samples=len(material.calibration) - min(samples, len(material.calibration)),
            held_out_samples=len(material.held_out),
            timed_samples=TIMED,
            export_cpu_seconds=material.export_usage.cpu_seconds,
            export_peak_bytes=material.export_usage.peak_bytes,
            ours=OURS,
            versions=versions_of(),
            rows=tuple(rows),
            frontends=frontends,
            not_run=(*missing, *left_out, *NOT_RUN),
        )
    if numbers is not None:
        with replacing(numbers) as aside:
            aside.write_bytes(to_json(result))
    page = to_markdown(result)
    if output is None:
        click.echo(page)
    else:
        write_section(output, SECTION, page)


def _call(only: Sequence[str]) -> str:
    """How to repeat the run."""
    if not only:
        return "make peers"
    words = (word for name in only for word in ("--only", name))
    return " ".join(("python -m edge_sdk.benchmarks.peers", *words))


def _say(what: str) -> None:
    click.echo(what, err=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command and exit; a mistake is one sentence and an exit code."""
    try:
        command.main(
            args=arguments, prog_name="python -m edge_sdk.benchmarks.peers", standalone_mode=False
        )
    except EdgeError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)
    except click.ClickException as error:
        click.echo(f"error: {error.format_message()}", err=True)
        sys.exit(error.exit_code)
    except click.Abort:
        sys.exit(130)

"""``python -m examples.show_and_ask.turns``: the figures of the demo's assistant."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from edge_sdk.errors import EdgeError
from edge_sdk.runtimes.assistant import events as happened
from edge_sdk.runtimes.session import FusionSession
from edge_sdk.samples import SampleSet

from . import CONFIG, configured
from .play import play
from .report import latency, table, wrong
from .script import script


@click.command()
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option("--data", type=click.Path(path_type=Path), default=Path("build/demo/data/held-out"))
@click.option("--config", type=click.Path(path_type=Path), default=CONFIG)
@click.option("--recogniser", type=click.Choice(["usual", "light"]), default="usual")
@click.option(
    "--echo",
    default=0.0,
    show_default=True,
    help="Level of its own voice at the microphone against the user's, in dB.",
)
@click.option(
    "--seeds",
    type=click.IntRange(min=1),
    default=4,
    show_default=True,
    help="So many times: other pictures, other noise.",
)
@click.option("--first-seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option("--most", type=int, help="Only so many turns a seed.")
def main(
    bundle: Path,
    data: Path,
    config: Path,
    recogniser: str,
    echo: float,
    seeds: int,
    first_seed: int,
    most: int | None,
) -> None:
    """Ask the assistant on BUNDLE all turns of the script, on a virtual clock."""
    try:
        samples = SampleSet.open(data)
        with FusionSession.open(bundle) as session:
            found = configured(config, recogniser)
            outcomes = []
            for seed in range(first_seed, first_seed + seeds):
                turns = script(list(samples), seed)[:most]
                outcomes += play(session, found, turns, data, echo_db=echo, seed=seed)
    except EdgeError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(error.exit_code)
    click.echo(
        f"{len(outcomes)} turns, seeds {first_seed} to {first_seed + seeds - 1}, "
        f"recogniser {found.recogniser.name}, own voice at {echo:g} dB"
    )
    for line in (*table(outcomes), *latency(outcomes)):
        click.echo(line)
    own = sum(len(o.of(happened.SelfHeard)) for o in outcomes)
    spoken = sum(e.seconds for o in outcomes for e in o.of(happened.SpeechStarted))  # type: ignore[attr-defined]
    extra = sum(max(0, len(o.of(happened.Answered)) - 1) for o in outcomes)
    click.echo(
        f"its own voice: {spoken:.0f} s spoken, heard itself say a phrase {own} times (ignored), "
        f"{extra} answers to what nobody asked"
    )
    click.echo(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    click.echo("what went wrong:")
    for line in wrong(outcomes):
        click.echo(line)


if __name__ == "__main__":
    main()

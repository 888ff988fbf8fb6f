"""``python -m examples.show_and_ask.turns.soak``: many turns in a row, and what grows."""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from statistics import median

import click

from edge_sdk.errors import EdgeError
from edge_sdk.runtimes.session import FusionSession
from edge_sdk.samples import SampleSet

from . import CONFIG, configured
from .play import play
from .script import script


def _now() -> tuple[float, int, int]:
    """Resident megabytes, threads of the kernel, open files of this process."""
    fields = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    files = len(list(Path("/proc/self/fd").iterdir()))
    return int(fields["VmRSS"].split()[0]) / 1024, int(fields["Threads"]), files


@click.command()
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option("--data", type=click.Path(path_type=Path), default=Path("build/demo/data/held-out"))
@click.option("--config", type=click.Path(path_type=Path), default=CONFIG)
@click.option("--recogniser", type=click.Choice(["usual", "light"]), default="usual")
@click.option("--turns", "count", default=200, show_default=True)
def main(bundle: Path, data: Path, config: Path, recogniser: str, count: int) -> None:
    """Ask the assistant on BUNDLE so many clean turns in a row."""
    try:
        samples = SampleSet.open(data)
        # The users' voices are programs of their own: their memory is not the assistant's.
        clean = [
            turn
            for turn in script(list(samples))
            if turn.condition == "clean" and turn.voice[0] != "piper"
        ]
        turns = (clean * (count // len(clean) + 1))[:count]
        found = configured(config, recogniser)
        seen: list[tuple[float, int, int]] = []
        with FusionSession.open(bundle) as session:
            outcomes = play(session, found, turns, data, each=lambda _: seen.append(_now()))
    except EdgeError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(error.exit_code)
    quarter = max(1, count // 4)
    megabytes, threads, files = zip(*seen, strict=True)
    spent = [sum(o.answered.milliseconds.values()) for o in outcomes if o.answered is not None]
    click.echo(
        f"{len(outcomes)} turns in a row, recogniser {found.recogniser.name}\n"
        f"resident memory: {megabytes[0]:.0f} MB before the first, {megabytes[quarter]:.0f} MB at "
        f"turn {quarter}, {megabytes[-1]:.0f} MB at the end, {max(megabytes):.0f} MB at most\n"
        f"threads: {threads[quarter]} at turn {quarter}, {threads[-1]} at the end "
        f"({threading.active_count()} of Python)\n"
        f"open files: {files[quarter]} at turn {quarter}, {files[-1]} at the end\n"
        f"thinking, median: {median(spent[:quarter]):.0f} ms in the first quarter, "
        f"{median(spent[-quarter:]):.0f} ms in the last"
    )


if __name__ == "__main__":
    main()

"""``python -m examples.show_and_ask.data``: fetch the demo's data and write its sample sets."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from tqdm import tqdm

from edge_sdk.errors import EdgeError

from .compose import write_calibration, write_held_out
from .examples import Album
from .fetch import default_cache, fetch
from .speech import Studio


class _Bar:
    """One progress bar a phase, on standard error."""

    def __init__(self) -> None:
        self._bar: tqdm[None] | None = None
        self._phase = ""

    def __call__(self, phase: str, done: int, total: int) -> None:
        if phase != self._phase or self._bar is None:
            self.close()
            self._phase = phase
            self._bar = tqdm(total=total, desc=phase, leave=False, disable=None)
        self._bar.update(done - self._bar.n)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None


@click.command()
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("build/demo/data"),
    show_default=True,
    help="Where the two sample sets go.",
)
@click.option(
    "--cache",
    type=click.Path(path_type=Path, file_okay=False),
    default=None,
    help="Where downloads and rendered speech are kept  [default: $EDGE_SDK_CACHE or ~/.cache].",
)
@click.option(
    "--only",
    type=click.Choice(["fetch", "compose"]),
    default=None,
    help="Only download, or only write the sample sets from what is downloaded.",
)
def main(out: Path, cache: Path | None, only: str | None) -> None:
    """Fetch the data of the demo task "show and ask" and write its two sample sets."""
    place = cache if cache is not None else default_cache()
    bar = _Bar()
    try:
        if only != "compose":
            fetch(place, lambda what: click.echo(f"fetch: {what}", err=True))
        if only != "fetch":
            album = Album.open(place)
            studio = Studio(place)
            written = [
                write_calibration(out, album, studio, tick=bar),
                write_held_out(out, album, studio, tick=bar),
            ]
            bar.close()
            for folder in written:
                click.echo(f"wrote {folder}", err=True)
    except EdgeError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(error.exit_code)
    finally:
        bar.close()


if __name__ == "__main__":
    main()

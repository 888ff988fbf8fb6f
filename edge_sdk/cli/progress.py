"""Progress on standard error: a bar with the time left on a terminal, else a line a stage."""

from __future__ import annotations

import sys
from typing import Any

import click


class StageProgress:
    """Called with (stage, done, total); closes its bar at the end of the ``with`` block."""

    def __init__(self) -> None:
        self._stage = ""
        self._bar: Any = None

    def __enter__(self) -> StageProgress:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Show that ``done`` of ``total`` steps of ``stage`` are behind."""
        from tqdm import tqdm

        if stage != self._stage:
            self._close()
            self._stage = stage
            if sys.stderr.isatty():
                self._bar = tqdm(total=total, desc=stage, leave=False, file=sys.stderr)
            else:
                click.echo(f"{stage} ...", err=True)
        if self._bar is not None:
            self._bar.update(done - self._bar.n)

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None

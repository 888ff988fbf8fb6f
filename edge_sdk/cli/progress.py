"""Progress on standard error: a bar with the time left on a terminal, else plain lines.

Without a terminal, or without tqdm, each stage has a line; one that takes long says every ten
seconds how far it is.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.util import find_spec
from time import monotonic
from typing import Any

import click

# Seconds between two lines of one stage.
_EVERY = 10.0


class StageProgress:
    """Called with (stage, done, total); closes its bar at the end of the ``with`` block.

    ``clock`` gives seconds.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._stage = ""
        self._bar: Any = None
        self._started = self._told = 0.0

    def __enter__(self) -> StageProgress:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Show that ``done`` of ``total`` steps of ``stage`` are behind."""
        if stage != self._stage:
            self._begin(stage, total)
        if self._bar is not None:
            self._bar.update(done - self._bar.n)
        elif self._clock() - self._told >= _EVERY and 0 < done < total:
            self._told = self._clock()
            left = (self._told - self._started) / done * (total - done)
            click.echo(f"{stage}: {done / total:.0%}, {_duration(left)} left", err=True)

    def _begin(self, stage: str, total: int) -> None:
        self._close()
        self._stage = stage
        self._started = self._told = self._clock()
        # Devices have no package for bars: they get the lines.
        if sys.stderr.isatty() and find_spec("tqdm") is not None:
            from tqdm import tqdm

            self._bar = tqdm(total=total, desc=stage, leave=False, file=sys.stderr)
        else:
            click.echo(f"{stage} ...", err=True)

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"

"""How ``edge-sdk stream`` shows what happens: one line that changes, or lines, or JSON."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING

import click
import msgspec

if TYPE_CHECKING:
    from edge_sdk.runtimes.streaming.events import Decision, Ended, StreamEvent
    from edge_sdk.runtimes.streaming.live import LiveStream
    from edge_sdk.runtimes.streaming.tally import StreamCounters

# Seconds between two looks of the line on a terminal, and of lines where nothing changed.
_REFRESH, _AGAIN = 0.2, 1.0


class Lines:
    """For people: on a terminal the newest answer in one line, notices above it."""

    def __init__(self, stream: LiveStream) -> None:
        self._stream = stream
        self._live = sys.stdout.isatty()
        self._shown = float("-inf")
        self._labels: dict[str, str] = {}
        self._begin: float | None = None
        self._drawn = False

    def show(self, event: StreamEvent) -> None:
        """Print an event, or not yet."""
        from edge_sdk.runtimes.streaming import events as happened

        if self._begin is None:
            self._begin = event.time
        if isinstance(event, happened.Decision):
            self._decision(event)
        elif isinstance(event, happened.Ended):
            self._ended(event)
        elif not isinstance(event, happened.DecisionsLost):
            # Losses are in every line already.
            self._notice(event)

    def _decision(self, one: Decision) -> None:
        labels = {name: head.label for name, head in one.prediction.heads.items()}
        since = one.time - self._shown
        if self._live and since < _REFRESH:
            return
        if not self._live and labels == self._labels and since < _AGAIN:
            return
        self._labels, self._shown = labels, one.time
        self._draw(self._line(one))

    def _line(self, one: Decision) -> str:
        counters = self._stream.counters()
        heads = "  ".join(
            f"{name} {head.label} {head.confidence:.2f}"
            for name, head in one.prediction.heads.items()
        )
        used = "+".join(one.prediction.used)
        age = f"age {one.data_age * 1e3:.0f} ms{' LATE' if one.late else ''}"
        load = "" if self._stream.load is None else f"  load {self._stream.load:.0%}"
        at = one.rung if not one.level else f"{one.rung} ({one.level})"
        return f"{self._since(one.time)} {heads}  | {used}  {age}  {_dropped(counters)}{load}  {at}"

    def _notice(self, event: StreamEvent) -> None:
        if self._drawn:
            click.echo("\r\x1b[K", nl=False)
            self._drawn = False
        click.echo(f"{self._since(event.time)} {_words(event)}")

    def _ended(self, event: Ended) -> None:
        if self._drawn:
            click.echo()
        found = event.counters
        ages = ""
        if found.data_age_p50 is not None and found.data_age_p95 is not None:
            ages = (
                f", data {found.data_age_p50 * 1e3:.0f} ms old (p95 {found.data_age_p95 * 1e3:.0f})"
            )
        click.echo(
            f"{self._since(event.time)} {event.reason}: {event.sentence} {found.decisions} "
            f"decisions{ages}, {found.late} late; {_dropped(found)}; {found.encoded} pictures "
            f"encoded, {found.masked} answers without a fitting one; {found.moves} moves, "
            f"{found.failures} failures."
        )

    def _draw(self, line: str) -> None:
        if not self._live:
            click.echo(line)
            return
        width = shutil.get_terminal_size().columns - 1
        click.echo(f"\r\x1b[K{line[:width]}", nl=False)
        self._drawn = True

    def _since(self, time: float) -> str:
        return f"{time - (self._begin or 0.0):7.2f}s"


class Objects:
    """For programs: one JSON object an event, one a line."""

    def show(self, event: StreamEvent) -> None:
        """Print an event."""
        from edge_sdk.runtimes.streaming.events import plain_event

        click.echo(msgspec.json.encode(plain_event(event)).decode())


def _dropped(counters: StreamCounters) -> str:
    """Losses that somebody should know of, in words."""
    parts = []
    if counters.audio is not None:
        parts.append(f"{counters.audio.lost} samples")
    if counters.camera is not None:
        parts.append(f"{counters.camera.dropped} frames")
    parts.append(f"{counters.lost} hops")
    return f"dropped {', '.join(parts)}"


def _words(event: StreamEvent) -> str:
    from edge_sdk.runtimes.streaming import events as happened

    if isinstance(event, happened.Moved):
        return f"governor: {event.before} -> {event.after} (rung {event.rung}): {event.reason}"
    if isinstance(event, happened.Failed):
        return f"failed ({event.in_a_row} in a row): {event.stage}: {event.sentence}"
    if isinstance(event, happened.Captured):
        inner = event.event
        fields = {
            name: getattr(inner, name)
            for name in inner.__dataclass_fields__
            if name not in ("source", "time")
        }
        values = ", ".join(
            f"{name} {value:.2f}" if isinstance(value, float) else f"{name} {value}"
            for name, value in fields.items()
        )
        return f"{inner.source}: {type(inner).__name__} ({values})"
    return type(event).__name__

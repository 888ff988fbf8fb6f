"""``python -m examples.show_and_ask.turns.listening``: false wakes, and what waiting costs."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
import msgspec

from edge_sdk.errors import EdgeError
from edge_sdk.runtimes.assistant import AssistantConfig
from edge_sdk.runtimes.assistant import events as happened
from edge_sdk.runtimes.capture import StreamEnded
from edge_sdk.runtimes.session import FusionSession
from edge_sdk.runtimes.speech.protocol import Samples

from ..data.fetch import default_cache
from . import CONFIG, configured
from .people import KINDS, people
from .room import Director
from .run import Run


def _played(parts: Iterator[Samples]) -> Director:
    def direct(_: float) -> Samples:
        found = next(parts, None)
        if found is None:
            raise StreamEnded
        return found

    return direct


def false_wakes(
    session: FusionSession, config: AssistantConfig, minutes: float | None
) -> Iterator[str]:
    """Human speech that is not for it, kind by kind."""
    hours = woken = 0.0
    for kind in KINDS:
        run = Run(session, config, _played(people(default_cache(), kind, minutes)))
        share = run.run()
        hours += run.clock.now() / 3600
        woken += run.count(happened.Woken)
        yield (
            f"people who speak to others, {kind}: {run.count(happened.Woken)} false wakes in "
            f"{run.clock.now() / 3600:.2f} hours, {run.count(happened.SpeechStarted)} answered "
            f"aloud; {share:.2%} of a core"
        )
    yield f"together {woken:.0f} in {hours:.1f} hours of speech: {woken / hours:.2f} an hour"


def idling(session: FusionSession, config: AssistantConfig) -> Sequence[str]:
    """The share of a core that waiting takes, in a quiet room and with somebody talking."""
    found = []
    for vad in ("silero", "webrtc"):
        component = msgspec.structs.replace(config.vad, name=vad, options={})
        own = msgspec.structs.replace(config, vad=component)
        quiet_share = Run(session, own).run()
        found.append(f"idle in a quiet room ({vad}): {quiet_share:.2%} of a core")
        always = msgspec.structs.replace(own, wake=None)
        listening = Run(session, always).run()
        found.append(f"voice detector always on ({vad}): {listening:.2%} of a core")
    return found


@click.command()
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option("--config", type=click.Path(path_type=Path), default=CONFIG)
@click.option(
    "--minutes", default=30.0, show_default=True, help="Of each kind of human speech; 0: all."
)
def main(bundle: Path, config: Path, minutes: float) -> None:
    """What the assistant on BUNDLE does while nobody speaks to it."""
    try:
        found = configured(config, "light")
        with FusionSession.open(bundle) as session:
            for line in idling(session, found):
                click.echo(line)
            for line in false_wakes(session, found, minutes or None):
                click.echo(line)
    except EdgeError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()

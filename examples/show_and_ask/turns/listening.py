"""``python -m examples.show_and_ask.turns.listening``: false wakes, and what waiting costs."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
import msgspec
import numpy as np
import soundfile
import soxr

from edge_sdk.errors import EdgeError
from edge_sdk.runtimes.assistant import AssistantConfig
from edge_sdk.runtimes.assistant import events as happened
from edge_sdk.runtimes.capture import StreamEnded
from edge_sdk.runtimes.session import FusionSession
from edge_sdk.runtimes.speech import RATE
from edge_sdk.runtimes.speech.protocol import Samples

from ..data.fetch import default_cache, tree
from ..data.pictures import read_index
from . import CONFIG, configured
from .room import Director, levelled
from .run import Run
from .voices import quiet


def human_speech(cache: Path, minutes: float, seed: int = 0) -> Iterator[Samples]:
    """Spoken descriptions by people, in nine languages, English first; 0.3 s between them."""
    pictures = read_index(tree(cache, "stamps"))
    english = [p.speech["en"] for p in pictures if "en" in p.speech]
    rest = [r for p in pictures for name, r in sorted(p.speech.items()) if name != "en"]
    order = np.random.default_rng(seed).permutation(len(rest))
    total = 0.0
    for recording in [*english, *(rest[i] for i in order)]:
        if total > minutes * 60:
            return
        samples, rate = soundfile.read(recording, dtype="float32", always_2d=True)
        mono = soxr.resample(samples.mean(axis=1), rate, RATE).astype(np.float32)
        yield np.concatenate([levelled(mono), quiet(0.3)])
        total += len(mono) / RATE + 0.3


def _played(parts: Iterator[Samples]) -> Director:
    def direct(_: float) -> Samples:
        found = next(parts, None)
        if found is None:
            raise StreamEnded
        return found

    return direct


def false_wakes(session: FusionSession, config: AssistantConfig, minutes: float) -> str:
    """Human speech that is not for it."""
    run = Run(session, config, _played(human_speech(default_cache(), minutes)))
    share = run.run()
    hours = run.clock.now() / 3600
    woken, said = run.count(happened.Woken), run.count(happened.SpeechStarted)
    return (
        f"human speech that is not for it: {woken} false wakes in {hours * 60:.1f} minutes "
        f"({woken / hours:.1f} an hour of uninterrupted speech), {said} of them answered aloud; "
        f"{share:.2%} of a core"
    )


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
@click.option("--minutes", default=15.0, show_default=True, help="Of human speech.")
def main(bundle: Path, config: Path, minutes: float) -> None:
    """What the assistant on BUNDLE does while nobody speaks to it."""
    try:
        found = configured(config, "light")
        with FusionSession.open(bundle) as session:
            for line in idling(session, found):
                click.echo(line)
            click.echo(false_wakes(session, found, minutes))
    except EdgeError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()

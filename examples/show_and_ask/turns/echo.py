"""``python -m examples.show_and_ask.turns.echo``: its own voice, and who talks over it."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from statistics import median

import click
import msgspec
import numpy as np
import soxr

from edge_sdk.errors import EdgeError
from edge_sdk.runtimes.assistant import AssistantConfig
from edge_sdk.runtimes.assistant import events as happened
from edge_sdk.runtimes.capture import StreamEnded
from edge_sdk.runtimes.session import FusionSession
from edge_sdk.runtimes.speech import RATE, load_component
from edge_sdk.runtimes.speech.protocol import Samples

from . import CONFIG, configured
from .acoustics import through
from .room import levelled
from .run import Run
from .script import VOICES
from .voices import quiet, say

_WAKE = "okay nabu"
_TALK = (
    "It is half past nine in the morning, and the frog on this card belongs to the animals, which "
    "are a very large family with many different members in it."
)
# Of its own voice at the microphone against the user's, in dB.
_LEVELS = (-20.0, -10.0, -6.0, 0.0, 6.0)


def self_wakes(session: FusionSession, config: AssistantConfig, echo_db: float) -> str:
    """Everything it may say, and the phrases themselves, said by itself and heard again."""
    names = [config.things[label].name or label for label in config.things]
    labels = session.bundle.manifest.heads
    cards = next(head.labels for head in labels if head.name == config.heads.object)
    texts = [f"This is a {name.replace('-', ' ')}." for name in (*cards, *names)]
    texts += [f"{name}: {', '.join(name.upper())}." for name in cards[:20]]
    texts += ["Okay Nabu.", "I said stop.", "Stop sign: S, T, O, P, S, I, G, N."]
    texts += [
        f"It is {hour} {minute} in the morning." for hour in range(1, 13) for minute in (5, 48)
    ]
    run = Run(session, config, echo_db=echo_db)
    waiting = list(texts)

    def direct(now: float) -> None:
        if run.assistant.state != "idle":
            return
        if not waiting:
            raise StreamEnded
        run.assistant.announce(waiting.pop(0))

    run.direct = direct
    run.run()
    cut = sum(isinstance(e, happened.SpeechEnded) and e.cut is not None for e in run.events)
    return (
        f"  nobody speaks, own voice {echo_db:+g} dB: {len(texts)} sentences in "
        f"{run.clock.now() / 60:.1f} minutes, {run.count(happened.Woken)} self-wakes, {cut} cut "
        f"short by itself, {run.count(happened.SelfHeard)} times heard and ignored"
    )


def barge_in(session: FusionSession, config: AssistantConfig, word: str, echo_db: float) -> str:
    """From the end of ``word``, said by a user across the room into an answer, to silence.

    The wake word counts where it woke, whichever phrase cut the answer: the detector of the stop
    phrase may be quicker, and wrong.
    """
    delays, others = [], 0
    for voice in VOICES:
        dry = say(*voice, word)
        run = Run(session, config, echo_db=echo_db)
        ended = _interrupt(run, levelled(through(dry, "user")), len(dry) / RATE)
        began = ended - len(dry) / RATE
        cut = [e for e in run.events if isinstance(e, happened.SpeechEnded) and e.cut is not None]
        woken = any(isinstance(e, happened.Woken) and e.time > began for e in run.events)
        # A cut before the word began was for something else.
        if cut and cut[0].time > began and (woken or word != _WAKE):
            delays.append(1000 * (cut[0].time - ended))
            others += (cut[0].cut or "").lower() != word
    heard = f"  {word!r}, own voice {echo_db:+g} dB: {len(delays)} of {len(VOICES)} voices"
    if not delays:
        return heard
    in_time = sum(delay <= 300 for delay in delays)
    return (
        f"{heard}, {in_time} within 300 ms, {others} of them cut by the other phrase; to silence "
        f"median {median(delays):.0f} ms, longest {max(delays):.0f} ms"
    )


def _interrupt(run: Run, spoken: Samples, seconds: float) -> float:
    """Have it talk twice, say the word a second into the second time; when the word, so long,
    ended. The first time the echo canceller gets to know the room, as on a device in use."""
    talks: list[str] = []
    ended: list[float] = []

    def direct(now: float) -> Samples | None:
        if len(talks) < 2:
            if run.assistant.state == "idle":
                talks.append(_TALK)
                run.assistant.announce(_TALK)
                return quiet(1.04)
            return None
        if not ended:
            ended.append(now + seconds)
            return spoken
        if now > ended[0] + 1:
            raise StreamEnded
        return None

    run.direct = direct
    run.run()
    return ended[0]


def loss(config: AssistantConfig, echo_db: float) -> str:
    """The echo return loss enhancement: how much less of its own voice is left, nobody speaking."""
    assert config.echo_canceller is not None
    canceller = load_component("echo canceller", config.echo_canceller.name)
    speech = load_component("voice", config.voice.name, config.voice.options).speak(_TALK)
    played = soxr.resample(speech.samples, speech.rate, RATE).astype(np.float32)
    echo = levelled(through(np.concatenate([quiet(0.06), played]), "loudspeaker"))
    echo = echo[: len(played)] * np.float32(10 ** (echo_db / 20))
    floor = np.random.default_rng(0).normal(0, 1.6e-4, len(echo)).astype(np.float32)
    began = time.process_time()
    left = canceller.cancel(echo + floor, played)
    cost = (time.process_time() - began) / (len(echo) / RATE)
    parts = (slice(0, RATE // 2), slice(RATE // 2, 2 * RATE), slice(2 * RATE, len(echo)))
    first, second, rest = (
        10 * np.log10(np.mean(echo[part] ** 2) / np.mean(left[part] ** 2)) for part in parts
    )
    return (
        f"  own voice {echo_db:+g} dB: {first:.0f} dB less in the first half second it ever hears, "
        f"{second:.0f} dB up to the second one, {rest:.0f} dB then; {cost:.1%} of a core meanwhile"
    )


@click.command()
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option("--config", type=click.Path(path_type=Path), default=CONFIG)
@click.option("--level", "levels", type=float, multiple=True, help="Of its own voice, in dB.")
def main(bundle: Path, config: Path, levels: tuple[float, ...]) -> None:
    """What the assistant on BUNDLE hears of itself, and of somebody who talks over it."""
    try:
        found = configured(config, "light")
        bare = msgspec.structs.replace(found, echo_canceller=None)
        with FusionSession.open(bundle) as session:
            click.echo("echo return loss enhancement:")
            for level in levels or _LEVELS:
                click.echo(loss(found, level))
            for kind, own in (("no echo canceller", bare), ("with the echo canceller", found)):
                click.echo(f"{kind}:")
                for word in (found.stop_phrase, _WAKE):
                    for level in levels or _LEVELS:
                        click.echo(barge_in(session, own, word, level))
                for level in (0.0, 6.0):
                    click.echo(self_wakes(session, own, level))
    except EdgeError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()

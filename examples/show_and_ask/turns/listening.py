"""``python -m examples.show_and_ask.turns.listening``: false wakes, barge-in, idling."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median

import click
import msgspec
import numpy as np
import soundfile
import soxr

from edge_sdk.errors import EdgeError
from edge_sdk.runtimes.assistant import AssistantConfig
from edge_sdk.runtimes.assistant import events as happened
from edge_sdk.runtimes.assistant.build import build_assistant
from edge_sdk.runtimes.assistant.speaker import MemorySpeaker
from edge_sdk.runtimes.capture import StreamEnded, VirtualClock
from edge_sdk.runtimes.session import FusionSession
from edge_sdk.runtimes.speech import RATE
from edge_sdk.runtimes.speech.protocol import Samples

from ..data.fetch import default_cache, tree
from ..data.pictures import read_index
from . import CONFIG, configured
from .room import Director, Room, levelled
from .script import VOICES
from .voices import quiet, say

_WAKE = "okay nabu"


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


class Run:
    """An assistant in a room, its events, and what it cost."""

    def __init__(
        self,
        session: FusionSession,
        config: AssistantConfig,
        direct: Director | None = None,
        echo_db: float | None = 0.0,
    ) -> None:
        clock = VirtualClock()
        self.speaker = MemorySpeaker(clock, config.volume)
        self.events: list[happened.AssistantEvent] = []
        self.direct: Director = direct or self.silence
        room = Room(clock, self.speaker, lambda now: self.direct(now), echo_db=echo_db)
        self.assistant = build_assistant(
            session, config, microphone=room, speaker=self.speaker, wall=lambda: 1.7e9
        )
        self.assistant.listen(self.events.append)
        self.clock = clock

    def silence(self, now: float) -> Samples | None:
        """A minute of nothing."""
        if now > 60:
            raise StreamEnded
        return None

    def run(self) -> float:
        """Run to the end; the share of a core that a second of sound took."""
        began = time.process_time()
        self.assistant.run()
        return (time.process_time() - began) / self.clock.now()

    def count(self, kind: type[happened.AssistantEvent]) -> int:
        """How many events of a kind there were."""
        return sum(isinstance(event, kind) for event in self.events)


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
        f"its own voice, {echo_db:+g} dB at the microphone: {len(texts)} sentences in "
        f"{run.clock.now() / 60:.1f} minutes, {run.count(happened.Woken)} self-wakes, {cut} cut "
        f"short by itself, {run.count(happened.SelfHeard)} times heard and ignored"
    )


def barge_in(session: FusionSession, config: AssistantConfig, word: str, echo_db: float) -> str:
    """From the end of ``word``, said into an answer, to silence."""
    delays, missed = [], 0
    for voice in VOICES:
        spoken = say(*voice, word)
        run = Run(session, config, echo_db=echo_db)
        ended = _interrupt(run, spoken)
        cut = [e for e in run.events if isinstance(e, happened.SpeechEnded) and e.cut is not None]
        # A cut before the end of the word was for something else in it.
        if cut and cut[0].time > ended[0] and (cut[0].cut or "").lower() == word:
            delays.append(cut[0].time - ended[0])
        else:
            missed += 1
    if not delays:
        return f"{word!r} said into an answer: never heard, {missed} voices"
    listed = sorted(delays)
    return (
        f"{word!r} said into an answer (its own voice at {echo_db:+g} dB): "
        f"{len(delays)} of {len(VOICES)} voices heard; from the end of the word to silence median "
        f"{1000 * median(listed):.0f} ms, longest {1000 * listed[-1]:.0f} ms"
    )


def _interrupt(run: Run, spoken: Samples) -> list[float]:
    """Have it talk, say the word a second into that, run; when the word ended."""
    ended: list[float] = []
    asked = [False]

    def direct(now: float) -> Samples | None:
        if not asked[0]:
            asked[0] = True
            run.assistant.announce(
                "It is half past nine in the morning, and the frog on this card belongs to the "
                "animals, which are a very large family with many different members in it."
            )
            return quiet(1.04)
        if not ended:
            ended.append(now + len(spoken) / RATE)
            return spoken
        if now > ended[0] + 3:
            raise StreamEnded
        return None

    run.direct = direct
    run.run()
    return ended


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
    """What the assistant on BUNDLE does while nobody speaks to it, and when interrupted."""
    try:
        found = configured(config, "light")
        with FusionSession.open(bundle) as session:
            for line in idling(session, found):
                click.echo(line)
            click.echo(false_wakes(session, found, minutes))
            click.echo(self_wakes(session, found, 0.0))
            for echo in (-40.0, -20.0, -6.0):
                for word in (found.stop_phrase, _WAKE):
                    click.echo(barge_in(session, found, word, echo))
    except EdgeError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()

"""``python -m examples.show_and_ask.turns.waking``: the wake word's detectors alone.

How many calls they hear in noise, and what else they take for one; no recogniser, no model.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import click
import msgspec
import numpy as np

from edge_sdk.errors import EdgeError, UsageError
from edge_sdk.runtimes.assistant import AssistantConfig, load_config
from edge_sdk.runtimes.assistant.phrases import Spotter
from edge_sdk.runtimes.assistant.waking import wake_spotter
from edge_sdk.runtimes.speech import RATE
from edge_sdk.runtimes.speech.protocol import Samples

from ..data.fetch import default_cache
from . import CONFIG
from .people import KINDS, people
from .room import BLOCK, FLOOR
from .script import NOISES, VOICES
from .voices import PAUSE, background, disturbed, quiet, say

_AROUND = 1.0
_COMMANDS = ("what is this", "spell it", "set a timer for five minutes", "turn it up")


def spotters(config: AssistantConfig, alone: Sequence[float]) -> Mapping[str, Spotter]:
    """The configuration's wake word, and its first detector alone at some thresholds.

    Raises:
        UsageError: the configuration has no wake word.
    """
    if config.wake is None:
        raise UsageError("The configuration has no wake word to measure.")
    found = {"as configured": wake_spotter(config, config.wake)}
    for threshold in alone:
        options = {**config.wake.options, "threshold": threshold}
        wake = msgspec.structs.replace(config.wake, options=options)
        single = msgspec.structs.replace(config, confirm=None)
        found[f"alone at {threshold:g}"] = wake_spotter(single, wake)
    return found


def calls(noise: str, snr_db: float, seeds: Sequence[int]) -> Iterator[Samples]:
    """Calls by the voices of the script with a command after each, in noise all along."""
    for number, voice in enumerate(VOICES):
        for seed in seeds:
            rng = np.random.default_rng([seed, number, NOISES.index(noise)])
            command = say(*voice, _COMMANDS[seed % len(_COMMANDS)])
            parts = [quiet(_AROUND), say(*voice, "okay nabu"), quiet(PAUSE), command]
            whole = np.concatenate([*parts, quiet(_AROUND)])
            yield disturbed(whole, noise, snr_db, rng, background())


class _Floor:
    """Sound in blocks, with the faint noise of a quiet room in it."""

    def __init__(self) -> None:
        self._rng = np.random.default_rng(0)

    def blocks(self, sound: Samples) -> Iterator[Samples]:
        for start in range(0, len(sound) - BLOCK + 1, BLOCK):
            floor = self._rng.normal(0, FLOOR, BLOCK)
            yield (sound[start : start + BLOCK] + floor).astype(np.float32)


def heard(sounds: Iterator[Samples], ways: Mapping[str, Spotter]) -> tuple[dict[str, int], float]:
    """How often each way of waking heard its phrase in sounds that follow each other, and hours."""
    count, floor, blocks = dict.fromkeys(ways, 0), _Floor(), 0
    for sound in sounds:
        for block in floor.blocks(sound):
            blocks += 1
            for name, spotter in ways.items():
                count[name] += spotter.hear(block, blocks * BLOCK / RATE) is not None
    return count, blocks * BLOCK / RATE / 3600


@click.command()
@click.option("--config", type=click.Path(path_type=Path), default=CONFIG)
@click.option("--snr", default=10.0, show_default=True, help="Of the calls, in dB.")
@click.option("--seeds", type=click.IntRange(min=1), default=4, show_default=True)
@click.option("--first-seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option(
    "--alone", type=float, multiple=True, default=(0.8,), show_default=True,
    help="A threshold of the first detector without another that confirms; several times.",
)  # fmt: skip
@click.option(
    "--people", "kinds", type=click.Choice(KINDS), multiple=True,
    help="Human speech that is not for it; none by default.",
)  # fmt: skip
@click.option("--minutes", type=float, help="Only so much of each kind of human speech.")
def main(
    config: Path,
    snr: float,
    seeds: int,
    first_seed: int,
    alone: Sequence[float],
    kinds: Sequence[str],
    minutes: float | None,
) -> None:
    """How many calls in noise wake it, and how often people who speak to others do."""
    try:
        ways = spotters(load_config(config), alone)
        totals = dict.fromkeys(ways, 0)
        for noise in NOISES:
            own = dict.fromkeys(ways, 0)
            for call in calls(noise, snr, range(first_seed, first_seed + seeds)):
                for spotter in ways.values():
                    spotter.reset()
                found, _ = heard(iter([quiet(2.0), call]), ways)
                own = {name: own[name] + bool(found[name]) for name in ways}
            totals = {name: totals[name] + own[name] for name in ways}
            click.echo(f"{noise}, {snr:g} dB: {_shares(own, seeds * len(VOICES))}")
        click.echo(f"all, {snr:g} dB: {_shares(totals, seeds * len(VOICES) * len(NOISES))}")
        for kind in kinds:
            count, hours = heard(people(default_cache(), kind, minutes), ways)
            listed = ", ".join(f"{name} {number}" for name, number in count.items())
            click.echo(f"people who speak to others, {kind}, {hours:.2f} hours: {listed}")
    except EdgeError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(error.exit_code)


def _shares(count: Mapping[str, int], total: int) -> str:
    return ", ".join(f"{name} {number / total:.0%}" for name, number in count.items()) + (
        f" of {total}"
    )


if __name__ == "__main__":
    main()

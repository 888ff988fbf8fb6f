"""``python -m examples.show_and_ask.wake PHRASE --out FILE.tflite``: train a phrase's detector."""

from __future__ import annotations

import os
import platform
import sys
import time
from pathlib import Path

import click
import msgspec
import torch

from edge_sdk.converters.export.tflite import export_tflite
from edge_sdk.converters.parts import PartSpec
from edge_sdk.errors import EdgeError, UsageError
from edge_sdk.files import replacing
from edge_sdk.runtimes.speech import RATE
from edge_sdk.runtimes.speech.wake.embeddings import STEP, WIDTH

from ..data.fetch import default_cache
from ..data.noises import Part
from ..data.speech import Studio
from .features import WINDOW
from .material import Clip, material, people_clips, quiet_clips, said_clips
from .network import PhraseNetwork, fit, score
from .phrases import Phrase, phrase
from .said import Kind, lines, strangers

_THRESHOLDS = (0.1, 0.3, 0.5, 0.7, 0.9)
_VALIDATION_DB = 10.0


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """How a detector was trained, and what it does on voices and people it has not heard.

    ``heard``: the share of the validation's calls by threshold; ``false``: how often it hears the
    phrase in ``hours`` of people of the validation who say something else.
    """

    phrase: str
    command: str
    machine: str
    seconds: float
    clips: dict[str, int]
    heard: dict[str, float]
    false: dict[str, int]
    hours: float


def _hear(
    what: Phrase, cache: Path, part: Part, seed: int, counts: dict[Kind, int], jobs: int
) -> dict[str, list[Clip]]:
    """Everything that is said in a part, by who says it."""
    snr_db = None if part == "train" else _VALIDATION_DB
    where = material(what, Studio(cache), part, seed, snr_db)
    found: dict[str, list[Clip]] = {
        kind: said_clips(where, lines(what, kind, count, seed, part), jobs)
        for kind, count in counts.items()
    }
    found["people"] = people_clips(where, strangers(cache, part), counts["phrase"], jobs)
    if what.interrupts:
        found["nobody"] = quiet_clips(where, counts["phrase"] // 5, jobs)
    return found


def _report(
    network: PhraseNetwork, clips: dict[str, list[Clip]]
) -> tuple[dict[str, float], dict[str, int], float]:
    calls = [score(network, clip) for clip in clips["phrase"]]
    others = [score(network, clip) for clip in clips["people"]]
    hours = sum(len(clip.embeddings) for clip in clips["people"]) * STEP / RATE / 3600
    heard = {f"{t:g}": sum(c > t for c in calls) / len(calls) for t in _THRESHOLDS}
    return heard, {f"{t:g}": sum(o > t for o in others) for t in _THRESHOLDS}, hours


def _tflite(network: PhraseNetwork) -> bytes:
    example = torch.randn(1, WINDOW, WIDTH, generator=torch.Generator().manual_seed(0))
    spec = PartSpec(
        name="phrase",
        module=network,
        example=(example * 10,),
        inputs=("embeddings",),
        outputs=("probability",),
    )
    return export_tflite(spec)


@click.command()
@click.argument("text", metavar="PHRASE")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="A .tflite file.")
@click.option("--cache", type=click.Path(path_type=Path), default=None, help="Fetched data.")
@click.option(
    "--calls", type=click.IntRange(min=20), default=1600, show_default=True,
    help="So often the phrase is said; four fifths as often something else.",
)  # fmt: skip
@click.option("--epochs", type=click.IntRange(min=1), default=10, show_default=True)
@click.option("--seed", default=0, show_default=True)
def main(text: str, out: Path, cache: Path | None, calls: int, epochs: int, seed: int) -> None:
    """Train a detector of PHRASE, and write it to --out with a report beside it (.json)."""
    try:
        began = time.monotonic()
        what = phrase(text)
        if out.suffix != ".tflite":
            raise UsageError(f"--out is a .tflite file; {out} was given.")
        cache, jobs = cache or default_cache(), os.cpu_count() or 1
        torch.set_num_threads(1)
        counts: dict[Kind, int] = {"phrase": calls, "near": calls * 2 // 5, "other": calls * 2 // 5}
        train = _hear(what, cache, "train", 1000 + seed, counts, jobs)
        click.echo(f"heard in {time.monotonic() - began:.0f} s; training", err=True)
        network = fit(
            [clip for clips in train.values() for clip in clips], epochs=epochs, seed=seed
        )
        held = _hear(what, cache, "validation", 2000 + seed, {"phrase": max(20, calls // 12)}, jobs)
        heard, false, hours = _report(network, held)
        report = Report(
            phrase=what.text,
            command=f'python -m examples.show_and_ask.wake "{what.text}" --out {out.name} '
            f"--calls {calls} --epochs {epochs} --seed {seed}",
            machine=f"{platform.machine()}, {jobs} cores, torch {torch.__version__}",
            seconds=round(time.monotonic() - began, 1),
            clips={name: len(clips) for name, clips in train.items()},
            heard=heard,
            false=false,
            hours=round(hours, 2),
        )
        out.parent.mkdir(parents=True, exist_ok=True)
        with replacing(out) as aside:
            aside.write_bytes(_tflite(network))
        with replacing(out.with_suffix(".json")) as aside:
            aside.write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=1) + b"\n")
        for threshold in _THRESHOLDS:
            name = f"{threshold:g}"
            click.echo(
                f"from {name} on: {heard[name]:.1%} of the calls heard, {false[name]} times where "
                f"somebody else speaks, in {hours:.2f} hours"
            )
    except EdgeError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()

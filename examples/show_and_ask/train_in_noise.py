"""The second phase: train sound, words and their fusion for what reaches the assistant in noise.

It goes on from a checkpoint of :mod:`.train`. What it adds: rooms at 0 to 30 dB with more kinds of
noise, the cuts of the assistant's own segmenter, what its recognisers really write, more wordings
and more voices. The image encoder is left as it is, and the head in the end is the one it was: what
is seen alone is answered as before.
"""

from __future__ import annotations

import copy
import os
import platform
import resource
import sys
import time
from pathlib import Path

import click
import msgspec
import numpy as np
import torch
from click import Path as ClickPath

from edge_sdk.converters.checkpoint import read_checkpoint
from edge_sdk.converters.fusion.evaluate import evaluate, mean_f1, predict
from edge_sdk.converters.fusion.model import FusionModel
from edge_sdk.converters.fusion.train import History, TrainConfig, fit
from edge_sdk.errors import EdgeError, UsageError
from edge_sdk.frontends import Frontends
from edge_sdk.samples import SampleSet

from .card import InNoise, Provenance
from .data.commands import NOT_FOR_ME
from .data.examples import Album, Drawer
from .data.fetch import default_cache
from .data.mixing import Int16
from .data.speech import Spoken, Studio
from .data.training import TrainingSource, training_plan, validation_plan
from .data.utterances import Utterance, phrased
from .hearing import Heard, Said, hear, load_heard, save_heard, together
from .noisy import NoisyFeeder, encoded, heard_batches, pictures_encoded, see
from .recover import divergence
from .train import ALONE, CLASS_WEIGHTS, keep_memory, publish, shown, validation_batches

_BATCH = 72
_SCENES = 4096
# The share of what is said that has the wordings and voices of the first phase only.
_FORMER = 0.3
# What is heard of the validation, at a level where commands are lost.
_VALIDATION, _VALIDATION_DB = 160, 10.0


class Material(msgspec.Struct, frozen=True, kw_only=True):
    """What is heard: ``shares`` that recognisers write down in part, ``unwritten`` ones that they
    do not, and one of noise in which nobody speaks."""

    shares: int = 3
    unwritten: int = 3
    seed: int = 0


class _Share(msgspec.Struct, frozen=True):
    """So many utterances; the first ``usual`` and ``light`` ones are for these recognisers."""

    count: int
    usual: int
    light: int


_WRITTEN = _Share(1500, 320, 650)
_UNWRITTEN, _UNWRITTEN_NUMBER = _Share(4000, 0, 0), 100
_NOBODY, _NOBODY_NUMBER = _Share(1200, 500, 1200), 200
_NOTHING = Utterance(Spoken(""), NOT_FOR_ME, "nobody")


def training_material(
    cache: Path, model: FusionModel, plan: Material, jobs: int, state: Path | None = None
) -> Heard:
    """What is heard in training; shares that are kept in ``state`` are not heard anew."""
    album, studio = Album.open(cache), Studio(cache)
    former, added = training_plan(album, plan.seed), phrased(3, 3, plan.seed)
    people = [u for u in former if u.engine == "human"]
    drawers = Drawer(former), Drawer([*added, *people])
    babble: list[Int16] = []

    def share(number: int, size: _Share) -> Heard:
        kept = None if state is None else state / f"heard-{plan.seed}-{number}.npz"
        if kept is not None and kept.exists():
            return load_heard(kept)
        if not babble:
            studio.render([u.spoken for u in (*former, *added)])
            babble.extend(studio.load(u.spoken) for u in former)
        if number == _NOBODY_NUMBER:
            said = [Said(_NOTHING, np.zeros(0, np.int16))] * size.count
        else:
            rng = np.random.default_rng([7 + plan.seed, number])
            chosen = [drawers[int(rng.random() >= _FORMER)].draw(rng) for _ in range(size.count)]
            said = [Said(u, studio.load(u.spoken)) for u in chosen]
        found = hear(
            said,
            babble,
            Frontends(model.config.frontends),
            model.config.model.heads,
            part="train",
            seed=1000 * (plan.seed + 1) + number,
            jobs=jobs,
            usual=size.usual,
            light=size.light,
        )
        if kept is not None:
            save_heard(kept, found)
        return found

    written = [share(number, _WRITTEN) for number in range(1, plan.shares + 1)]
    others = [share(_UNWRITTEN_NUMBER + n, _UNWRITTEN) for n in range(plan.unwritten)]
    others.append(share(_NOBODY_NUMBER, _NOBODY))
    return together([*others, *written])


def validation_material(
    cache: Path, model: FusionModel, jobs: int, state: Path | None = None
) -> Heard:
    """Voices, wordings and noises of the validation, all recognised by both recognisers."""
    kept = None if state is None else state / "heard-validation.npz"
    if kept is not None and kept.exists():
        return load_heard(kept)
    studio = Studio(cache)
    plan = validation_plan(Album.open(cache), 0)
    studio.render([u.spoken for u in plan])
    rng = np.random.default_rng(43)
    chosen = [plan[i] for i in rng.permutation(len(plan))[:_VALIDATION]]
    found = hear(
        [Said(u, studio.load(u.spoken)) for u in chosen],
        [studio.load(u.spoken) for u in plan],
        Frontends(model.config.frontends),
        model.config.model.heads,
        part="validation",
        seed=43,
        jobs=jobs,
        usual=len(chosen),
        light=len(chosen),
        snr_db=_VALIDATION_DB,
    )
    if kept is not None:
        save_heard(kept, found)
    return found


def tune(
    model: FusionModel,
    heard: Heard,
    validation: Heard,
    cache: Path,
    config: TrainConfig,
    teacher: FusionModel | None = None,
) -> History:
    """Train ``model`` in place on what was ``heard``, but for its image encoder.

    The epoch that is kept is the best by the mean of the macro-F1 of all heads on the validation
    set of the first phase and of the intents in noise, with what each recogniser wrote. With a
    ``teacher`` it is the one whose answers are nearest to the teacher's on all of these.
    """
    models = (model,) if teacher is None else (model, teacher)
    frontends, heads = Frontends(model.config.frontends), model.config.model.heads
    # the pictures first: the encoders are taken away below
    seen = see(TrainingSource(0, cache), frontends, _SCENES, 47, *models)
    quiet = encoded(
        validation_batches(TrainingSource(0, cache, split="validation"), frontends, model.config),
        *models,
    )
    noisy = [heard_batches(validation, frontends, heads, by) for by in ("usual", "light")]
    feeder = NoisyFeeder(heard, seen, frontends, size=_BATCH, seed=config.seed)
    with pictures_encoded(*models):
        every = [batch for batches in (quiet, *noisy) for batch in batches]
        wanted = None if teacher is None else predict(teacher, every)

        def score(trained: FusionModel) -> float:
            if wanted is not None:
                return -divergence(trained, wanted, every)
            inside = [evaluate(trained, batches)["intent"].f1 for batches in noisy]
            return float(np.mean([mean_f1(evaluate(trained, quiet)), *inside]))

        return fit(
            model,
            lambda epoch: feeder.batches(epoch, config.steps_per_epoch),
            lambda trained: evaluate(trained, quiet),
            config,
            alone=ALONE,
            class_weights=CLASS_WEIGHTS,
            score=score,
            teacher=teacher,
        )


def settle(model: FusionModel, first: FusionModel, former: float) -> None:
    """Take from the second phase what it is for: ``model``, in place.

    Its encoders of sound and words move towards those of the ``first`` phase by ``former``: between
    the two lie models that lose little in noise and forget less (WiSE-FT, Wortsman et al., 2022).
    Its head becomes the first one, so that what is seen alone is answered as before; with the head
    that learned along, validation was no better in noise and worse for pictures.
    """
    before = first.state_dict()
    model.load_state_dict(
        {
            name: value.lerp(before[name], former) if value.is_floating_point() else value
            for name, value in model.state_dict().items()
        }
    )
    model.head.load_state_dict(first.head.state_dict())


@click.command()
@click.option(
    "--start", type=ClickPath(path_type=Path), required=True, help="Checkpoint of the first phase."
)
@click.option("--out", type=ClickPath(path_type=Path), required=True, help="Checkpoint folder.")
@click.option(
    "--held-out",
    type=ClickPath(path_type=Path),
    default=Path("build/demo/data/held-out"),
    show_default=True,
    help="The sample set to measure on; it is not looked at before the end.",
)
@click.option("--cache", type=ClickPath(path_type=Path), default=None, help="Fetched data.")
@click.option(
    "--shares",
    type=click.IntRange(min=1),
    default=Material().shares,
    show_default=True,
    help="Of 1500 utterances of which recognisers write down a part.",
)
@click.option(
    "--unwritten",
    type=click.IntRange(min=1),
    default=Material().unwritten,
    show_default=True,
    help="Shares of 4000 utterances of which no recogniser writes anything.",
)
@click.option("--epochs", default=15, show_default=True)
@click.option("--steps", default=150, show_default=True, help="Batches an epoch.")
@click.option("--minutes", default=15.0, show_default=True, help="Bound of the training itself.")
@click.option("--rate", default=1.5e-3, show_default=True, help="The highest learning rate.")
@click.option(
    "--former",
    type=click.FloatRange(0, 1),
    default=0.3,
    show_default=True,
    help="The share of the first phase in the encoders of sound and words.",
)
@click.option("--seed", default=0, show_default=True)
@click.option(
    "--state",
    type=ClickPath(path_type=Path),
    default=None,
    help="Folder that keeps what was heard, so that it need not be heard again.",
)
def main(
    start: Path,
    out: Path,
    held_out: Path,
    cache: Path | None,
    shares: int,
    unwritten: int,
    epochs: int,
    steps: int,
    minutes: float,
    rate: float,
    former: float,
    seed: int,
    state: Path | None,
) -> None:
    """Go on from the checkpoint --start, and write checkpoint, metrics and model card to --out."""
    try:
        began = time.monotonic()
        first = _provenance(start)
        keep_memory()
        torch.set_num_threads(1)
        cache, jobs = cache or default_cache(), os.cpu_count() or 1
        model = read_checkpoint(start).model
        if not isinstance(model, FusionModel):
            raise UsageError(f"{start} is no checkpoint of the demo's fusion model.")
        before = copy.deepcopy(model)
        test = SampleSet.open(held_out)
        plan = Material(shares=shares, unwritten=unwritten, seed=seed)
        heard = training_material(cache, model, plan, jobs, state)
        validation = validation_material(cache, model, jobs, state)
        click.echo(f"heard in {time.monotonic() - began:.0f} s; training", err=True)
        history = tune(
            model,
            heard,
            validation,
            cache,
            TrainConfig(
                epochs=epochs,
                steps_per_epoch=steps,
                peak_rate=rate,
                warmup_steps=60,
                average=0.99,
                patience=epochs,
                seed=seed,
                max_seconds=60 * minutes,
            ),
        )
        settle(model, before, former)
        usages = [resource.getrusage(w) for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        publish(
            out,
            model,
            test,
            msgspec.structs.replace(
                first,
                held_out_digest=test.digest(),
                held_out_samples=len(test),
                in_noise=InNoise(
                    command="python -m examples.show_and_ask.train_in_noise "
                    f"--start {shown(start)} "
                    f"--out {shown(out)} --shares {shares} "
                    f"--unwritten {unwritten} --epochs {epochs} --steps {steps} "
                    f"--minutes {minutes:g} --rate {rate:g} --former {former:g} --seed {seed}",
                    seconds=time.monotonic() - began,
                    cpu_seconds=sum(u.ru_utime + u.ru_stime for u in usages),
                    machine=f"{platform.machine()}, {jobs} cores, torch {torch.__version__}",
                    heard=len(heard.sounds),
                    usual=sum(text is not None for text in heard.usual),
                    light=sum(text is not None for text in heard.light),
                    steps=len(history.epochs) * steps,
                    epochs=len(history.epochs),
                    best_epoch=history.best + 1,
                    former=former,
                ),
            ),
            history,
        )
    except EdgeError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(error.exit_code)


def _provenance(start: Path) -> Provenance:
    """That of the first phase."""
    path = start / "metrics.json"
    try:
        held = msgspec.json.decode(path.read_bytes())
        return msgspec.convert({**held["provenance"], "in_noise": None}, Provenance)
    except (OSError, msgspec.DecodeError, msgspec.ValidationError, KeyError, TypeError) as error:
        raise UsageError(
            f"{path} does not say how the first phase was trained: {error}. "
            "Make --start with `python -m examples.show_and_ask.train`."
        ) from error


if __name__ == "__main__":
    main()

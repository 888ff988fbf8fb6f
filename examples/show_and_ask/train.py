"""Train the demo model, measure it, and write its checkpoint with metrics and model card."""

from __future__ import annotations

import ctypes
import os
import platform
import resource
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import click
import msgspec
import torch

from edge_sdk.converters.fusion.batch import Batch, collate
from edge_sdk.converters.fusion.checkpointing import save_checkpoint
from edge_sdk.converters.fusion.config import (
    CausalTrunk,
    ConcatFusion,
    FusionConfig,
    GruAudio,
    GruText,
    Head,
    ImageCnn,
    ModelConfig,
    Stage,
)
from edge_sdk.converters.fusion.dataset import SampleExamples
from edge_sdk.converters.fusion.evaluate import evaluate, mean_f1
from edge_sdk.converters.fusion.metrics import HeadMetrics
from edge_sdk.converters.fusion.model import FusionModel
from edge_sdk.converters.fusion.replicas import Replicas, run_replicas
from edge_sdk.converters.fusion.train import History, TrainConfig, fit
from edge_sdk.errors import EdgeError
from edge_sdk.frontends import Frontends
from edge_sdk.frontends.config import AudioFeaturesConfig, FrontendsConfig, ImageConfig, TextConfig
from edge_sdk.samples import SampleSet

from .card import Provenance, ablations, by_condition, model_card
from .data.commands import NOT_FOR_ME
from .data.compose import describe
from .data.examples import Album
from .data.fetch import default_cache
from .data.training import LABELS, TrainingSource
from .feeding import Feeder, render_pools, to_example

# How many sets of training voices are rendered.
SOURCES = 3
# Which modality can tell what by itself; no speech says what is on a card here.
ALONE = {"intent": ("audio", "text"), "card": ("image",), "category": ("image",)}
# Talk is of all kinds and a quarter of what is said; unweighted, whatever sounds new is refused.
_NOT_FOR_ME_WEIGHT = 0.6
CLASS_WEIGHTS = {
    "intent": [_NOT_FOR_ME_WEIGHT if i == NOT_FOR_ME else 1.0 for i in LABELS["intent"]]
}
WEIGHTS = {"intent": 1.0, "card": 1.0, "category": 1.0}


def configure(vocabulary: tuple[str, ...]) -> ModelConfig:
    """The demo's front-ends and architecture."""
    return ModelConfig(
        name="show-and-ask",
        frontends=FrontendsConfig(
            # mean and scale bring the training set's features to about zero mean, unit variance
            audio=AudioFeaturesConfig(mean=-5.4, scale=0.29, max_seconds=30.0),
            # a frame is wider than high; cutting its sides off could lose the card
            image=ImageConfig(height=96, width=96, resize="stretch"),
            text=TextConfig(vocabulary=vocabulary),
        ),
        model=FusionConfig(
            heads=tuple(
                Head(name=name, labels=labels, weight=WEIGHTS[name])
                for name, labels in LABELS.items()
            ),
            audio=GruAudio(
                trunk=CausalTrunk(channels=(128, 192, 192, 192, 192)), hidden=96, dropout=0.2
            ),
            image=ImageCnn(
                stem=16,
                stages=(
                    Stage(channels=24, depth=1, expand=2),
                    Stage(channels=40, depth=2),
                    Stage(channels=96, depth=3),
                    Stage(channels=128, depth=2),
                ),
                top=320,
                dropout=0.1,
            ),
            text=GruText(width=48, hidden=64, dropout=0.2),
            fusion=ConcatFusion(width=192, dropout=0.2),
            modality_dropout=0.1,
        ),
    )


@click.command()
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Checkpoint folder.")
@click.option(
    "--held-out",
    type=click.Path(path_type=Path),
    default=Path("build/demo/data/held-out"),
    show_default=True,
    help="The sample set to measure on; it is not looked at before the end.",
)
@click.option("--cache", type=click.Path(path_type=Path), default=None, help="Fetched data.")
@click.option("--pool", default=30000, show_default=True, help="Examples to render.")
@click.option("--epochs", default=24, show_default=True)
@click.option("--steps", default=120, show_default=True, help="Batches an epoch (and core).")
@click.option("--batch", default=72, show_default=True, help="Examples a batch.")
@click.option(
    "--minutes",
    default=23.0,
    show_default=True,
    help="Bound of the training itself, in time that it runs.",
)
@click.option("--seed", default=0, show_default=True)
def main(
    out: Path,
    held_out: Path,
    cache: Path | None,
    pool: int,
    epochs: int,
    steps: int,
    batch: int,
    minutes: float,
    seed: int,
) -> None:
    """Train the demo model and write checkpoint, metrics and model card to --out."""
    try:
        _train(out, held_out, cache or default_cache(), pool, epochs, steps, batch, minutes, seed)
    except EdgeError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(error.exit_code)


def _train(
    out: Path,
    held_out: Path,
    cache: Path,
    pool: int,
    epochs: int,
    steps: int,
    batch: int,
    minutes: float,
    seed: int,
) -> None:
    started = time.monotonic()
    keep_memory()
    jobs = os.cpu_count() or 1
    # each seed of the source has other voices say the sentences
    sources = [TrainingSource(SOURCES * seed + n, cache) for n in range(SOURCES)]
    config = configure(sources[0].vocabulary())
    heads = config.model.heads
    frontends = Frontends(config.frontends)
    test = SampleSet.open(held_out)
    # Processes are forked below: torch may not have started threads of its own by then.
    torch.set_num_threads(1)
    pools = render_pools(sources, frontends, heads, count=pool, seed=seed, jobs=jobs)
    validation = validation_batches(
        TrainingSource(seed, cache, split="validation"), frontends, config
    )
    model = FusionModel(config, seed=seed)
    # the layout in which a CPU convolves fastest
    model.encoders["image"].to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    click.echo(f"rendered in {time.monotonic() - started:.0f} s; training", err=True)

    def work(replicas: Replicas) -> History:
        # every process draws other batches from the same pools
        feeder = Feeder(pools, frontends, heads, size=batch, seed=seed * jobs + replicas.rank)
        best = 0.0

        def validate(trained: FusionModel) -> dict[str, HeadMetrics]:
            nonlocal best
            metrics = evaluate(trained, validation)
            if replicas.rank == 0 and mean_f1(metrics) > best:
                best = mean_f1(metrics)
                # what is there if the run is cut short
                save_checkpoint(out.with_name(out.name + "-so-far"), trained, config)
            return metrics

        return fit(
            model,
            lambda epoch: feeder.batches(epoch, steps),
            validate,
            TrainConfig(
                epochs=epochs,
                steps_per_epoch=steps,
                peak_rate=3e-3,
                warmup_steps=150,
                average=0.997,
                patience=epochs,
                seed=seed,
                max_seconds=60 * minutes,
            ),
            alone=ALONE,
            class_weights=CLASS_WEIGHTS,
            replicas=replicas,
        )

    sizes: Any = describe(Album.open(cache))["categories"]
    history = run_replicas(jobs, model, work)
    shutil.rmtree(out.with_name(out.name + "-so-far"), ignore_errors=True)
    seconds = time.monotonic() - started
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    busy = sum(u.ru_utime + u.ru_stime for u in usage)
    publish(
        out,
        model,
        test,
        Provenance(
            command=f"OPENBLAS_NUM_THREADS=1 python -m examples.show_and_ask.train "
            f"--out {shown(out)} --pool {pool} --epochs {epochs} --steps {steps} "
            f"--batch {batch} --minutes {minutes:g} --seed {seed}",
            seconds=seconds,
            cpu_seconds=busy,
            machine=f"{platform.machine()}, {jobs} cores, torch {torch.__version__}",
            pool=pool,
            steps=len(history.epochs) * steps,
            examples=len(history.epochs) * steps * batch * jobs,
            held_out_digest=test.digest(),
            held_out_samples=len(test),
            epochs=len(history.epochs),
            best_epoch=history.best + 1,
            sizes=sizes,
        ),
        history,
    )


def publish(
    out: Path, model: FusionModel, test: SampleSet, provenance: Provenance, history: History
) -> None:
    """Measure on the held-out set and write checkpoint, metrics and card as one folder."""
    config = model.config
    frontends = Frontends(config.frontends)
    batches = list(SampleExamples(test, frontends, config.model.heads).batches(64))
    measured = ablations(model, batches)
    conditions = by_condition(model, batches, test)
    document = {
        "provenance": provenance,
        "held_out": measured,
        "intent_by_condition": conditions,
        "history": history,
    }
    save_checkpoint(
        out,
        model,
        config,
        extra={
            "metrics.json": msgspec.json.format(msgspec.json.encode(document), indent=1) + b"\n",
            "MODEL_CARD.md": model_card(model, measured, conditions, provenance).encode(),
        },
    )
    for name, metrics in measured["all"].items():
        click.echo(f"{name}: accuracy {metrics.accuracy:.3f}  macro-F1 {metrics.f1:.3f}", err=True)


def keep_memory() -> None:
    """Let the allocator keep what is freed: the same large tensors come again every step, and
    getting them from the system anew costs a quarter of the time (glibc only)."""
    trim_threshold, top_pad, mmap_max = -1, -2, -4
    library = ctypes.CDLL(None)
    if hasattr(library, "mallopt"):
        for option, value in ((trim_threshold, 2**31 - 1), (top_pad, 2**26), (mmap_max, 0)):
            library.mallopt(option, value)


def validation_batches(
    source: TrainingSource, frontends: Frontends, config: ModelConfig
) -> list[Batch]:
    """The validation set: the same examples each time, in padded batches."""
    heads = config.model.heads
    rows = [to_example(e, frontends, heads) for e in source.examples(640, seed=5)]
    names = [head.name for head in heads]
    return [
        collate(rows[start : start + 64], config.modalities, names)
        for start in range(0, len(rows), 64)
    ]


def shown(out: Path) -> str:
    return out.name if out.is_absolute() else out.as_posix()


if __name__ == "__main__":
    main()

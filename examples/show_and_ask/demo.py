"""``python -m examples.show_and_ask.demo``: convert the checkpoint for this machine and answer."""

from __future__ import annotations

import platform
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from tqdm import tqdm

from edge_sdk import FusionSession
from edge_sdk.cli.output import emit_error, table
from edge_sdk.errors import EdgeError
from edge_sdk.frontends.image import read_picture
from edge_sdk.frontends.recording import read_recording
from edge_sdk.runtimes.prediction import Prediction
from edge_sdk.samples import Sample, SampleSet

# What each column of the table answers from.
VIEWS = {
    "all": ("audio", "image", "text"),
    "audio": ("audio",),
    "image": ("image",),
    "text": ("text",),
}


@click.command()
@click.option("--checkpoint", type=click.Path(path_type=Path, exists=True), required=True)
@click.option("--data", type=click.Path(path_type=Path, exists=True), required=True)
@click.option("--output", type=click.Path(path_type=Path), required=True)
def main(checkpoint: Path, data: Path, output: Path) -> None:
    """Convert CHECKPOINT, verify the bundle, answer on the held-out samples, print a table."""
    click.echo("== convert\n")
    _edge_sdk(
        *("convert", checkpoint, "--target", "local", "--output", output),
        *("--calibration", data / "calibration", "--evaluation", data / "held-out"),
    )
    click.echo("\n== verify\n")
    _edge_sdk("verify", output)
    click.echo("\n== answer on held-out samples\n")
    samples = SampleSet.open(data / "held-out")
    with FusionSession.open(output) as session:
        _answer(session, samples)


def _answer(session: FusionSession, samples: SampleSet) -> None:
    hits: dict[str, dict[str, list[bool]]] = {
        head.name: {view: [] for view in VIEWS} for head in session.parts.heads
    }
    latencies: list[float] = []
    shown: list[tuple[str, ...]] = [("said (as recognised)", "intent", "card", "category")]
    for number, sample in enumerate(tqdm(samples, leave=False, disable=None)):
        inputs = dict(_inputs(session, samples, sample))
        for view, modalities in VIEWS.items():
            given = {name: inputs[name] for name in modalities if name in inputs}
            # A single modality is scored only where the sample has it.
            if not given:
                continue
            prediction = session.infer(**given)
            for head, label in sample.labels.items():
                hits[head][view].append(prediction.heads[head].label == label)
            if view == "all":
                latencies.append(prediction.timings["total"])
                if number % (len(samples) // 8) == 0:
                    shown.append(_row(sample, prediction))
    click.echo(table(shown))
    click.echo("\nright answers by what the model is given:")
    rows: list[tuple[str, ...]] = [("head", "samples", *VIEWS)]
    for head, views in hits.items():
        shares = [f"{statistics.mean(v):.3f}" if v else "" for v in views.values()]
        rows.append((head, str(len(views["all"])), *shares))
    click.echo(table(rows))
    cuts = statistics.quantiles(latencies, n=20)
    click.echo(
        f"\n{len(samples)} samples on {platform.machine()}, one thread: "
        f"p50 {statistics.median(latencies):.1f} ms, p95 {cuts[18]:.1f} ms an answer, "
        "front-ends included, files decoded before."
    )


def _row(sample: Sample, prediction: Prediction) -> tuple[str, ...]:
    """What was answered, with what would have been right where that differs."""
    cells = []
    for head in ("intent", "card", "category"):
        answer = prediction.heads[head].label
        label = sample.labels.get(head)
        wrong = label is not None and answer != label
        cells.append(f"{answer} (is {label})" if wrong else answer if label else "-")
    return (sample.text or "(nothing recognised)", *cells)


def _inputs(
    session: FusionSession, samples: SampleSet, sample: Sample
) -> Iterator[tuple[str, Any]]:
    if sample.audio is not None:
        config = session.frontends.audio.config
        yield "audio", (read_recording(samples.path(sample.audio), config), config.rate)
    if sample.image is not None:
        yield "image", read_picture(samples.path(sample.image))
    if sample.text is not None:
        yield "text", sample.text


def _edge_sdk(*words: object) -> None:
    """Run the command line as a user does; its exit code ends the demo where it fails."""
    command = [str(Path(sys.executable).with_name("edge-sdk")), *map(str, words)]
    click.echo("$ edge-sdk " + " ".join(command[1:]) + "\n")
    code = subprocess.run(command).returncode
    if code:
        sys.exit(code)


if __name__ == "__main__":
    try:
        main()
    except EdgeError as error:
        emit_error(error.kind, str(error), error.exit_code, as_json=False)
        sys.exit(error.exit_code)

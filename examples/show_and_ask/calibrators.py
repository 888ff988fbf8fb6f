"""``python -m examples.show_and_ask.calibrators``: calibrators by the labels that int8 changes.

The calibration set is cut into halves, once for each seed: one half calibrates, the other counts
the labels on which int8 and fp32 agree. The held-out samples stay out of it.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import mean

import click
import numpy as np

from edge_sdk.benchmarks.evaluate.answers import evaluate
from edge_sdk.benchmarks.evaluate.result import Evaluation
from edge_sdk.cli.output import table
from edge_sdk.converters import convert
from edge_sdk.converters.quantisation.plan import QuantisationPlan
from edge_sdk.converters.recipe import Recipe
from edge_sdk.samples import Sample, SampleSet, write_index

PLANS = {
    "min-max": QuantisationPlan(calibrator="minmax"),
    "moving average": QuantisationPlan(calibrator="moving-average"),
    "percentile 99.999": QuantisationPlan(parameters={"percentile": 99.999}),
    "percentile 99.99": QuantisationPlan(parameters={"percentile": 99.99}),
    "percentile 99.9": QuantisationPlan(parameters={"percentile": 99.9}),
    "entropy": QuantisationPlan(calibrator="entropy"),
    "MSE": QuantisationPlan(calibrator="mse"),
    "percentile 99.99, equalised": QuantisationPlan(equalise=True),
    "percentile 99.99, biases corrected": QuantisationPlan(correct_bias=True),
}


@click.command()
@click.option("--checkpoint", type=click.Path(path_type=Path, exists=True), required=True)
@click.option("--data", type=click.Path(path_type=Path, exists=True), required=True)
@click.option("--target", default="rpi5", show_default=True, help="Whose int8 scheme.")
@click.option("--seeds", default=3, show_default=True)
def main(checkpoint: Path, data: Path, target: str, seeds: int) -> None:
    """Print the share of labels that agree with fp32, the mean over the halves."""
    shares: dict[str, list[dict[str, float]]] = {name: [] for name in PLANS}
    with tempfile.TemporaryDirectory() as scratch:
        for seed in range(seeds):
            place = Path(scratch) / str(seed)
            fitting, judging = _halves(data / "calibration", place, seed)
            exact = _answers(checkpoint, fitting, judging, place, target, None)
            for name, plan in PLANS.items():
                int8 = _answers(checkpoint, fitting, judging, place, target, plan)
                shares[name].append(_agreement(exact, int8))
                click.echo(f"seed {seed}: {name}", err=True)
    heads = list(shares["min-max"][0])
    rows = [
        (name, *(f"{100 * mean(each[head] for each in found):.1f}" for head in heads))
        for name, found in shares.items()
    ]
    click.echo(table([("agrees with fp32, %", *heads), *rows]))


def _halves(source: Path, place: Path, seed: int) -> tuple[Path, Path]:
    samples = list(SampleSet.open(source))
    order = np.random.default_rng(seed).permutation(len(samples))
    middle = len(samples) // 2
    folders = place / "fitting", place / "judging"
    for folder, chosen in zip(folders, (order[:middle], order[middle:]), strict=True):
        shutil.copytree(source, folder)
        write_index(folder, _chosen(samples, sorted(chosen)))
    return folders


def _chosen(samples: Sequence[Sample], places: Sequence[int]) -> list[Sample]:
    return [samples[place] for place in places]


def _answers(
    checkpoint: Path,
    fitting: Path,
    judging: Path,
    place: Path,
    target: str,
    plan: QuantisationPlan | None,
) -> Evaluation:
    """What the bundle answers, computed as written: the halves differ, not the processors."""
    bundle = place / "made.edge"
    convert(
        checkpoint,
        calibration=fitting,
        evaluation=judging,
        output=bundle,
        target=target,
        engines=("onnxruntime",),
        precision="fp32" if plan is None else "int8",
        recipe=Recipe(quantisation=plan or QuantisationPlan()),
        max_drop=100.0,
    )
    return evaluate(bundle, judging, reference=True)


def _agreement(exact: Evaluation, int8: Evaluation) -> dict[str, float]:
    pairs = list(zip(exact.answers, int8.answers, strict=True))
    return {
        head: mean(a.labels[head] == b.labels[head] for a, b in pairs)
        for head in exact.answers[0].labels
    }


if __name__ == "__main__":
    main()

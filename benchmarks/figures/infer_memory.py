"""Peak memory of ``edge-sdk infer`` over a process that runs the same graphs and nothing else."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import numpy as np

from edge_sdk.bundle import Bundle
from edge_sdk.frontends import Frontends
from edge_sdk.frontends.media import sample_features
from edge_sdk.samples import Sample

from ..bench import ENGINE, MODALITIES, Bench
from ..figure import Figure, Reading
from ..graphs import unpack_graphs
from ..process import edge_sdk, measure_success
from ..rounds import interleave
from ..spread import differences

LIMIT_MB = 20.0
ROUNDS = 7
_BARE = Path(__file__).parents[1] / "bare.py"


def measure(bench: Bench) -> Iterator[Reading]:
    """Peak resident size of both, on the same held-out samples, one sample a round."""
    path = bench.bundle().path
    bundle = Bundle.open(path)
    threads = str(bundle.manifest.target.threads)
    graphs = [str(p) for p in unpack_graphs(bundle, bench.scratch / "graphs")]
    frontends = Frontends(bundle.manifest.frontends)

    def ours(sample: Sample) -> float:
        assert sample.audio is not None
        assert sample.image is not None
        assert sample.text is not None
        audio, image = (str(bench.held_out.path(name)) for name in (sample.audio, sample.image))
        given = ("--audio", audio, "--image", image, "--text", sample.text)
        return (
            measure_success(
                edge_sdk("infer", str(path), "--engine", ENGINE, "--json", *given)
            ).peak_bytes
            / 1e6
        )

    def theirs(sample: Sample) -> float:
        inputs = str(_save_features(bench, frontends, sample))
        # Isolated, so that this room's modules do not come before the standard library's.
        command = [sys.executable, "-I", str(_BARE), threads, inputs, *graphs]
        return measure_success(command).peak_bytes / 1e6

    pairs = interleave(ours, theirs, bench.whole_samples(bench.rounds(ROUNDS)))
    yield Reading(
        what="edge-sdk infer with audio, picture and text: peak memory over bare engine runs",
        unit="MB",
        values=differences(pairs),
        limit=LIMIT_MB,
        detail=f"{median(a for a, _ in pairs):.1f} against {median(b for _, b in pairs):.1f} MB",
    )


def _save_features(bench: Bench, frontends: Frontends, sample: Sample) -> Path:
    features = sample_features(frontends, bench.held_out, sample, MODALITIES)
    path = bench.scratch / f"{sample.id}.npz"
    np.savez(path, *(features[name] for name in MODALITIES))
    return path


FIGURE = Figure("infer-memory", "peak memory of edge-sdk infer over bare engine runs", measure)

"""What a report shows of each part beyond what was decided: its cost, its layers, activations."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

import msgspec
import numpy as np

from .backends.protocol import Feed, PartWork
from .calibration.ranges import Calibration, expose
from .progress import Progress
from .quantisation.macs import node_macs
from .quantisation.noise import LayerNoise, PartNoise, part_noise
from .reference import Reference
from .report import ActivationHistogram, LayerEvidence, PartEvidence

# Inputs of a part that its layers are compared on, and layers whose activations are shown.
_INPUTS, _WORST = 12, 3
_BINS = 60


def gather(works: Iterable[PartWork], progress: Progress) -> tuple[PartEvidence, ...]:
    """Layers of each part in the target's static int8, the costliest first; kept by content."""
    found = []
    for work in works:
        key = f"evidence {work.key} {work.feeds_key} {work.scheme} {work.plan}"
        content = work.store.get(key, _Gather(work, progress))
        found.append(msgspec.json.decode(content, type=PartEvidence))
    return tuple(found)


class _Gather(msgspec.Struct):
    work: PartWork
    progress: Progress

    def __call__(self) -> bytes:
        work, stage = self.work, f"layers of {self.work.name}"
        feeds = list(islice(work.feeds(), _INPUTS))
        seen = work.calibration()
        noise = part_noise(
            work.graph, seen, work.scheme, work.plan, feeds,
            lambda done, total: self.progress(stage, done, total),
        )  # fmt: skip
        content: bytes = msgspec.json.encode(_evidence(work, seen, noise, feeds))
        return content


def _evidence(
    work: PartWork, seen: Calibration, noise: PartNoise, feeds: list[Feed]
) -> PartEvidence:
    total = sum(layer.noise for layer in noise.layers) or 1.0
    return PartEvidence(
        name=work.name,
        macs=sum(node_macs(node, work.graph, seen) for node in work.graph.graph.node),
        snr_db=noise.snr_db,
        layers=tuple(
            LayerEvidence(
                name=x.layer.name,
                weights=x.layer.weights,
                macs=x.layer.macs,
                snr_db=x.snr_db,
                noise_share=x.noise / total,
            )
            for x in noise.layers
        ),
        activations=_histograms(work, seen, noise.layers[:_WORST], feeds),
    )


def _histograms(
    work: PartWork, seen: Calibration, worst: tuple[LayerNoise, ...], feeds: list[Feed]
) -> tuple[ActivationHistogram, ...]:
    """How the values that the worst layers give are distributed, and the range that int8 has."""
    runner = Reference(expose(work.graph, [x.layer.output for x in worst]))
    values: dict[str, list[np.ndarray]] = {x.layer.output: [] for x in worst}
    for feed in feeds:
        out = runner.run(feed)
        for name, rows in values.items():
            rows.append(out[name].reshape(-1))
    histograms = []
    for x in worst:
        name = x.layer.output
        counts, edges = np.histogram(np.concatenate(values[name]), _BINS)
        low, high = seen.ranges[name]
        histograms.append(
            ActivationHistogram(
                layer=x.layer.name,
                range=(float(low), float(high)),
                edges=tuple(float(edge) for edge in edges),
                counts=tuple(int(count) for count in counts),
            )
        )
    return tuple(histograms)

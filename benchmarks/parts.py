"""The parts of a bundle's editions on real features, outside a session."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from time import process_time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_sdk.bundle import Bundle
from edge_sdk.frontends import Frontends
from edge_sdk.frontends.media import sample_features
from edge_sdk.runtimes.engines import EngineOptions
from edge_sdk.runtimes.parts import LoadedParts
from edge_sdk.samples import Sample, SampleSet

Arrays = Mapping[str, NDArray[Any]]


def load_edition(bundle: Bundle, engine: str) -> LoadedParts:
    """One edition of ``bundle``, with the threads of its target."""
    return LoadedParts(bundle, engine, EngineOptions(threads=bundle.manifest.target.threads))


def features_of(bundle: Bundle, samples: SampleSet, sample: Sample) -> Arrays:
    """What the front-ends of ``bundle`` make of ``sample``, by modality."""
    frontends = Frontends(bundle.manifest.frontends)
    wanted = [name for name in frontends.modalities if name in sample.modalities]
    return sample_features(frontends, samples, sample, tuple(wanted))


def part_milliseconds(
    edition: LoadedParts, inputs: Sequence[Arrays]
) -> Callable[[int], dict[str, float]]:
    """Runs all inputs once and gives the mean milliseconds of CPU of each part."""

    def run(_: int) -> dict[str, float]:
        spent: dict[str, float] = {}
        for features in inputs:
            embeddings = {}
            for name, value in features.items():
                started = process_time()
                embeddings[name] = edition.encode(name, value)
                spent[name] = spent.get(name, 0.0) + process_time() - started
            started = process_time()
            edition.fuse(embeddings)
            spent["head"] = spent.get("head", 0.0) + process_time() - started
        return {name: 1e3 * seconds / len(inputs) for name, seconds in spent.items()}

    return run


def labels(outputs: Arrays) -> dict[str, int]:
    """The winning label's number of each head."""
    return {name: int(np.argmax(value)) for name, value in outputs.items()}


def shares(outputs: Arrays) -> NDArray[np.float64]:
    """The probabilities of all heads of logits, one after the other."""
    found = []
    for value in outputs.values():
        powers = np.exp(value.astype(np.float64).ravel() - float(value.max()))
        found.append(powers / powers.sum())
    return np.concatenate(found)

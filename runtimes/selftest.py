"""Golden checks on this machine: every stage against the values the bundle carries."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_sdk.bundle import Bundle
from edge_sdk.bundle.golden import (
    EMBEDDING,
    OUTPUT,
    STREAM,
    Arrays,
    Deviation,
    compare,
    decode_arrays,
)
from edge_sdk.bundle.golden_output import settle_output
from edge_sdk.bundle.heads import probabilities
from edge_sdk.bundle.manifest import GoldenSample, Tolerance
from edge_sdk.bundle.streaming import embeddings_along
from edge_sdk.errors import BundleError
from edge_sdk.frontends import Frontends
from edge_sdk.frontends.media import features_of

from .engines import EngineOptions
from .parts import LoadedParts
from .streaming.step import load_step, stepper_of


def check_golden(
    bundle: Bundle, parts: LoadedParts, frontends: Frontends | None = None
) -> Iterator[tuple[str, Deviation]]:
    """Hold every stage of every golden sample against its expected value: (sample id, result).

    Each stage is given the *expected* output of the stage before it, so that a deviation is
    named where it arises; ``end-to-end`` runs the whole way from the raw input. A sample that has
    none of the modalities that the edition answers on is passed over.
    """
    frontends = frontends or Frontends(bundle.manifest.frontends)
    for sample in bundle.manifest.golden:
        if not set(sample.modalities) & set(parts.modalities):
            continue
        for deviation in _check_sample(bundle, parts, frontends, sample):
            yield sample.id, deviation
    yield from _check_stream(bundle, parts)


def self_test(bundle: Bundle, parts: LoadedParts, frontends: Frontends) -> None:
    """Check the first golden sample that the edition answers on; it warms all up, too.

    Raises:
        BundleError: a stage is out of tolerance, or the bundle has no golden sample.
    """
    taken = set(parts.modalities)
    sample = next((s for s in bundle.manifest.golden if taken & set(s.modalities)), None)
    if sample is None:
        raise BundleError(f"{bundle.path} carries no golden sample to test itself with.")
    for deviation in _check_sample(bundle, parts, frontends, sample):
        if not deviation.ok:
            raise BundleError(
                f"{bundle.path} fails its self-test on this machine: {deviation.stage} of golden "
                f"sample {sample.id} is off by {deviation.max_abs:.2g} "
                f"(signal to error {deviation.snr_db:.1f} dB). Run 'edge-sdk verify' on it."
            )


def _check_sample(
    bundle: Bundle, parts: LoadedParts, frontends: Frontends, sample: GoldenSample
) -> Iterator[Deviation]:
    limits = bundle.manifest.tolerances
    expected = _expected(bundle, parts.edition, sample)
    golden, reached = {}, {}
    for modality in sample.modalities:
        if modality not in parts.modalities:
            continue
        features = _features(bundle, frontends, sample, modality)
        wanted = _get(expected, modality, sample)
        yield compare(f"features.{modality}", features, wanted, limits.features)
        golden[modality] = wanted
        reached[modality] = parts.encode(modality, features)
        loaded = parts.encoders.get(modality)
        if loaded is not None:
            stage = f"{EMBEDDING}.{modality}"
            golden[modality] = _get(expected, stage, sample)
            limit = limits.stage(loaded.variant.precision)
            yield compare(stage, parts.encode(modality, wanted), golden[modality], limit)
    outputs = parts.fuse(golden)
    for head in parts.heads:
        stage = f"{OUTPUT}.{head.name}"
        precision = parts.head.variant.precision
        limit, wanted = limits.stage(precision), _get(expected, stage, sample)
        found = compare(stage, outputs[head.name], wanted, limit)
        if precision.startswith("int8"):
            found = settle_output(
                found,
                head,
                outputs[head.name],
                wanted,
                _every(bundle, parts.edition, stage),
                limit,
                limits.cancelled_int8,
            )
        yield found
    share = limits.probability(loaded.variant.precision for loaded in parts)
    limit = Tolerance(max_abs=share, min_snr_db=float("inf"))
    outputs = parts.fuse(reached)
    for head in parts.heads:
        golden_output = _get(expected, f"{OUTPUT}.{head.name}", sample)
        wanted = np.array(probabilities(head, golden_output.reshape(-1).tolist()))
        got = np.array(probabilities(head, outputs[head.name].reshape(-1).tolist()))
        yield compare(f"end-to-end.{head.name}", got, wanted, limit)


def _check_stream(bundle: Bundle, parts: LoadedParts) -> Iterator[tuple[str, Deviation]]:
    """The embeddings along a stream of golden features, where the audio encoder streams."""
    loaded = parts.encoders.get("audio")
    if loaded is None or loaded.variant.streaming is None:
        return
    options = EngineOptions(threads=bundle.manifest.target.threads)
    graph = load_step(bundle, loaded.variant, loaded.engine, options)
    if graph is None:
        return
    stepper = stepper_of(graph, loaded.variant.streaming, loaded.part)
    limit = bundle.manifest.tolerances.stage(loaded.variant.precision)
    stage = f"{STREAM}.audio"
    for sample in bundle.manifest.golden:
        expected = {} if sample.audio is None else _expected(bundle, parts.edition, sample)
        if stage in expected:
            got = embeddings_along(stepper, expected["audio"])
            yield sample.id, compare(stage, got, expected[stage], limit)
    graph.close()


def _every(bundle: Bundle, edition: str, stage: str) -> Iterator[NDArray[Any]]:
    """The golden values of a stage, of every sample that has them."""
    for sample in bundle.manifest.golden:
        if edition in sample.expected:
            yield _get(_expected(bundle, edition, sample), stage, sample)


def _expected(bundle: Bundle, edition: str, sample: GoldenSample) -> Arrays:
    if edition not in sample.expected:
        raise BundleError(f"The golden sample {sample.id} has no expected values for {edition}.")
    features = decode_arrays(bundle.read(sample.features), sample.features)
    file = sample.expected[edition]
    return features | decode_arrays(bundle.read(file), file)


def _features(
    bundle: Bundle, frontends: Frontends, sample: GoldenSample, modality: str
) -> NDArray[Any]:
    source = getattr(sample, modality)
    value = source if modality == "text" else io.BytesIO(bundle.read(source))
    return features_of(frontends, modality, value)


def _get(arrays: Arrays, name: str, sample: GoldenSample) -> NDArray[Any]:
    if name not in arrays:
        raise BundleError(f"The golden sample {sample.id} lacks the expected value {name}.")
    return arrays[name]

"""Golden checks on this machine: every stage against the values the bundle carries."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

from numpy.typing import NDArray

from edge_sdk.bundle import Bundle
from edge_sdk.bundle.golden import (
    EMBEDDING,
    FEATURES,
    LOGITS,
    Arrays,
    Deviation,
    compare,
    decode_arrays,
)
from edge_sdk.bundle.manifest import GoldenSample, Tolerance, Tolerances
from edge_sdk.errors import BundleError
from edge_sdk.frontends import Frontends
from edge_sdk.frontends.media import features_of

from .parts import LoadedPart, LoadedParts
from .prediction import softmax


def check_golden(
    bundle: Bundle, parts: LoadedParts, frontends: Frontends | None = None
) -> Iterator[tuple[str, Deviation]]:
    """Hold every stage of every golden sample against its expected value: (sample id, result).

    Each stage is given the *expected* output of the stage before it, so that a deviation is
    named where it arises; ``end-to-end`` runs the whole way from the raw input.
    """
    frontends = frontends or Frontends(bundle.manifest.frontends)
    for sample in bundle.manifest.golden:
        for deviation in _check_sample(bundle, parts, frontends, sample):
            yield sample.id, deviation


def self_test(bundle: Bundle, parts: LoadedParts, frontends: Frontends) -> None:
    """Check the first golden sample; it warms up all that an answer needs, too.

    Raises:
        BundleError: a stage is out of tolerance, or the bundle has no golden sample.
    """
    if not bundle.manifest.golden:
        raise BundleError(f"{bundle.path} carries no golden sample to test itself with.")
    sample = bundle.manifest.golden[0]
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
    manifest = bundle.manifest
    expected = decode_arrays(bundle.read(sample.expected), sample.expected)
    embeddings, reached = {}, {}
    for modality in sample.modalities:
        features = _features(bundle, frontends, sample, modality)
        golden = _get(expected, f"{FEATURES}.{modality}", sample)
        stage = f"{FEATURES}.{modality}"
        yield compare(stage, features, golden, manifest.tolerances.features)
        stage = f"{EMBEDDING}.{modality}"
        embeddings[modality] = _get(expected, stage, sample)
        got = parts.encode(modality, golden)
        reached[modality] = parts.encode(modality, features)
        tolerance = _tolerance(bundle, parts.encoders[modality])
        yield compare(stage, got, embeddings[modality], tolerance)
    for head, logits in parts.fuse(embeddings).items():
        stage = f"{LOGITS}.{head}"
        yield compare(stage, logits, _get(expected, stage, sample), _tolerance(bundle, parts.head))
    limit = _probability_limit(manifest.tolerances, parts)
    for head, logits in parts.fuse(reached).items():
        golden = _get(expected, f"{LOGITS}.{head}", sample)
        tolerance = Tolerance(max_abs=limit, min_snr_db=float("inf"))
        yield compare(f"end-to-end.{head}", softmax(logits), softmax(golden), tolerance)


def _features(
    bundle: Bundle, frontends: Frontends, sample: GoldenSample, modality: str
) -> NDArray[Any]:
    source = getattr(sample, modality)
    value = source if modality == "text" else io.BytesIO(bundle.read(source))
    return features_of(frontends, modality, value)


def _tolerance(bundle: Bundle, loaded: LoadedPart) -> Tolerance:
    tolerances = bundle.manifest.tolerances
    return tolerances.int8 if loaded.variant.precision == "int8" else tolerances.fp32


def _probability_limit(tolerances: Tolerances, parts: LoadedParts) -> float:
    int8 = any(loaded.variant.precision == "int8" for loaded in parts)
    return tolerances.probability_int8 if int8 else tolerances.probability_fp32


def _get(arrays: Arrays, name: str, sample: GoldenSample) -> NDArray[Any]:
    if name not in arrays:
        raise BundleError(f"The golden sample {sample.id} lacks the expected value {name}.")
    return arrays[name]

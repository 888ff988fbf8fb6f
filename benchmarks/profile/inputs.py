"""What is measured on: real samples, from the bundle's golden set or the user's own data."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from edge_sdk.bundle import Bundle
from edge_sdk.digest import sha256_hex
from edge_sdk.errors import DataError
from edge_sdk.frontends import FrontendsConfig
from edge_sdk.frontends.media import read_value, sample_values
from edge_sdk.samples import Sample, SampleSet

#: More samples than this are not read: it is time that is measured, not accuracy.
MOST = 32


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """One sample as :meth:`FusionSession.infer` takes it."""

    id: str
    values: dict[str, Any]


class InputsInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What the inputs were.

    Attributes:
        source: the bundle's golden samples, or a sample set.
        digest: of the bundle, or SHA-256 of the set's index.
        samples: how many took turns.
        modalities: how many of them have each modality.
        audio_seconds: median length of a recording; None without recordings.
    """

    source: str
    digest: str
    samples: int
    modalities: dict[str, int]
    audio_seconds: float | None


def read_inputs(
    bundle: Bundle, modalities: tuple[str, ...], folder: str | Path | None
) -> tuple[list[Given], InputsInfo]:
    """Decode the samples, the fullest first, at most :data:`MOST`.

    Only samples with as many modalities as the fullest are taken: a mixture of questions has no
    percentile that means anything.

    Raises:
        DataError: there is no sample with a modality that the model takes.
        InputError: a file cannot be used.
    """
    config = bundle.manifest.frontends
    if folder is None:
        source, digest = "golden", bundle.manifest.digest
        found = list(_golden(bundle, config, modalities))
    else:
        samples = SampleSet.open(folder)
        source = samples.root.resolve().name
        digest = sha256_hex((samples.root / "samples.jsonl").read_bytes())
        found = list(_own(samples, config, modalities))
    if not found:
        where = "The bundle's golden samples have" if folder is None else f"{folder} has"
        raise DataError(
            f"{where} no sample with {' or '.join(modalities)} to measure with; "
            "give data of your own with --samples."
        )
    rate = config.audio.rate if config.audio is not None else 1
    seconds = sorted(g.values["audio"][0].shape[0] / rate for g in found if "audio" in g.values)
    return found, InputsInfo(
        source=source,
        digest=digest,
        samples=len(found),
        modalities={m: sum(m in g.values for g in found) for m in modalities},
        audio_seconds=round(seconds[len(seconds) // 2], 3) if seconds else None,
    )


def _golden(
    bundle: Bundle, config: FrontendsConfig, modalities: tuple[str, ...]
) -> Iterator[Given]:
    samples = bundle.manifest.golden
    kept = _fullest([set(s.modalities) & set(modalities) for s in samples])
    for i in kept:
        sample = samples[i]
        values: dict[str, Any] = {}
        for modality in sample.modalities:
            if modality in modalities:
                source = getattr(sample, modality)
                raw = source if modality == "text" else io.BytesIO(bundle.read(source))
                values[modality] = read_value(config, modality, raw)
        yield Given(id=sample.id, values=values)


def _own(
    samples: SampleSet, config: FrontendsConfig, modalities: tuple[str, ...]
) -> Iterator[Given]:
    every: list[Sample] = list(samples)
    kept = _fullest([set(s.modalities) & set(modalities) for s in every])
    # Evenly over the set, which may be sorted by label.
    step = max(1, len(kept) // MOST)
    for i in kept[::step][:MOST]:
        sample = every[i]
        values = sample_values(config, samples, sample, modalities)
        yield Given(id=sample.id, values=values)


def _fullest(sets: list[set[str]]) -> list[int]:
    most = max((len(s) for s in sets), default=0)
    return [i for i, s in enumerate(sets) if s and len(s) == most]

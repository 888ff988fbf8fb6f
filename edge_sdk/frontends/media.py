"""From files to features: the one way that training, conversion and device read media."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

from numpy.typing import NDArray

from ..errors import InputError
from ..samples import Sample, SampleSet
from . import Frontends, FrontendsConfig
from .clip import read_clip
from .image import read_picture
from .recording import read_recording


def features_of(frontends: Frontends, modality: str, value: str | Path | BinaryIO) -> NDArray[Any]:
    """Features ``[1, ...]`` of one recording, picture, clip (path or open file) or text (itself).

    Raises:
        InputError: the input cannot be used.
        DependencyError: its decoder is not installed.
    """
    if modality == "audio":
        return frontends.audio.batch(read_recording(value, frontends.audio.config))[None]
    if modality == "image":
        background = frontends.image.config.background
        return frontends.image(read_picture(value, background=background))
    if modality == "video":
        return frontends.video(*read_clip(value, frontends.video.config))
    return frontends.text(str(value))


def read_value(config: FrontendsConfig, modality: str, value: str | Path | BinaryIO) -> Any:
    """What :meth:`FusionSession.infer` takes of one modality, from a path or open file; text as is.

    Raises:
        InputError: the input cannot be used.
        DependencyError: its decoder is not installed.
    """
    if modality == "audio" and config.audio is not None:
        return read_recording(value, config.audio), config.audio.rate
    if modality == "image" and config.image is not None:
        return read_picture(value, background=config.image.background)
    if modality == "video" and config.video is not None:
        return read_clip(value, config.video)
    return value


def sample_values(
    config: FrontendsConfig, samples: SampleSet, sample: Sample, modalities: Sequence[str]
) -> dict[str, Any]:
    """Those of ``modalities`` that the sample has, as :meth:`FusionSession.infer` takes them.

    Raises:
        InputError: an input of the sample cannot be used.
    """
    values = {}
    for modality in sample.modalities:
        if modality in modalities:
            value = getattr(sample, modality)
            source = value if modality == "text" else samples.path(value)
            values[modality] = read_value(config, modality, source)
    return values


def sample_features(
    frontends: Frontends, samples: SampleSet, sample: Sample, modalities: Sequence[str]
) -> dict[str, NDArray[Any]]:
    """Features of those of ``modalities`` that the sample has.

    Raises:
        InputError: an input of the sample cannot be used; the sentence names the sample.
    """
    features = {}
    for modality in sample.modalities:
        if modality in modalities:
            value = getattr(sample, modality)
            source = value if modality == "text" else samples.path(value)
            try:
                features[modality] = features_of(frontends, modality, source)
            except InputError as error:
                raise InputError(
                    f"The {modality} of sample {sample.id!r} in {samples.root}: {error}"
                ) from error
    return features

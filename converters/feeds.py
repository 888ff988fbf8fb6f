"""Inputs for parts, from samples: features for the encoders, what they give for the head."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
import onnx
from numpy.typing import NDArray

from edge_sdk.errors import ExportError, InputError
from edge_sdk.frontends import Frontends
from edge_sdk.frontends.media import sample_features
from edge_sdk.samples import Sample, SampleSet

from .backends.protocol import Feed, Runner
from .parts import PartSpec
from .progress import Progress
from .source import HEAD

MASK = "mask"
Arrays = Mapping[str, NDArray[Any]]


class Wiring(msgspec.Struct, frozen=True, kw_only=True):
    """How parts hang together.

    Attributes:
        modalities: in the order of the mask.
        encoders: the modalities that have an encoder; the others' features go to the head.
        missing: for each modality, the zeros that stand for it ``[1, embedding]``; empty where
            the head takes no mask, so that none may be missing.
        shortest: for each modality of any length, the axis, its name, and the fewest it takes.
    """

    modalities: tuple[str, ...]
    encoders: tuple[str, ...]
    missing: dict[str, NDArray[np.float32]]
    shortest: dict[str, tuple[int, str, int]] = {}

    def takes(self, present: Sequence[str]) -> bool:
        """Whether the model answers on these modalities."""
        wanted = set(self.modalities)
        return wanted <= set(present) or bool(self.missing and wanted & set(present))

    def embed(self, runners: Mapping[str, Runner], features: Arrays) -> dict[str, NDArray[Any]]:
        """What the head takes of each modality: its embedding, or its features."""
        return {
            name: runners[name].run({"features": value})["embedding"]
            if name in self.encoders
            else value
            for name, value in features.items()
        }

    def head_feed(self, present: Arrays) -> dict[str, NDArray[Any]]:
        """The head's inputs where ``present`` holds what is there."""
        feed = {name: present.get(name, self.missing.get(name)) for name in self.modalities}
        if self.missing:
            feed[MASK] = np.array([[name in present for name in self.modalities]], np.float32)
        return {name: value for name, value in feed.items() if value is not None}


def wiring_of(
    modalities: Sequence[str],
    graphs: Mapping[str, onnx.ModelProto],
    parts: Sequence[PartSpec] = (),
) -> Wiring:
    """Read the wiring from the graphs' own inputs, and from ``parts`` the fewest they take.

    Raises:
        ExportError: the head does not take each modality by its name, or takes something else.
    """
    shapes = {
        value.name: [d.dim_value for d in value.type.tensor_type.shape.dim]
        for value in graphs[HEAD].graph.input
    }
    if set(shapes) - {MASK} != set(modalities):
        raise ExportError(
            f"The head takes the inputs {', '.join(shapes)}; it must take one input for each of "
            f"{', '.join(modalities)}, called by its name, and may take {MASK!r}."
        )
    encoders = tuple(name for name in modalities if name in graphs)
    missing = {}
    if MASK in shapes:
        missing = {name: np.zeros(shapes[name], np.float32) for name in modalities}
    return Wiring(
        modalities=tuple(modalities),
        encoders=encoders,
        missing=missing,
        shortest={
            name if part.name == HEAD else part.name: (*part.dynamic[name], fewest)
            for part in parts
            for name, (fewest, _) in part.spans.items()
        },
    )


def wired_features(
    wiring: Wiring,
    frontends: Frontends,
    samples: SampleSet,
    sample: Sample,
    modalities: Sequence[str],
) -> dict[str, NDArray[Any]]:
    """Features of those of ``modalities`` that the sample has, as the model can take them.

    Raises:
        InputError: an input of the sample cannot be used, or has fewer frames or tokens than
            the model takes; the sentence names the sample.
    """
    features = sample_features(frontends, samples, sample, modalities)
    for modality, value in features.items():
        axis, name, fewest = wiring.shortest.get(modality, (0, "", 0))
        if value.shape[axis] < fewest:
            raise InputError(
                f"The {modality} of sample {sample.id!r} in {samples.root}: it has "
                f"{value.shape[axis]} {name}, and this model takes {fewest} or more; take it out "
                "or give a longer one."
            )
    return features


def part_feeds(
    name: str,
    wiring: Wiring,
    encoders: Mapping[str, Runner],
    frontends: Frontends,
    samples: SampleSet,
    progress: Progress,
) -> Iterator[Feed]:
    """The inputs of a part over ``samples``, one at a time; the head's through ``encoders``."""
    wanted = wiring.modalities if name == HEAD else (name,)
    for done, sample in enumerate(samples):
        progress(f"calibrate {name}", done, len(samples))
        if name != HEAD and name not in sample.modalities:
            continue
        if name == HEAD and not wiring.takes(sample.modalities):
            continue
        features = wired_features(wiring, frontends, samples, sample, wanted)
        if name == HEAD:
            yield wiring.head_feed(wiring.embed(encoders, features))
        else:
            yield {"features": features[name]}
    progress(f"calibrate {name}", len(samples), len(samples))

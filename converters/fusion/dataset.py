"""From a sample set on disk to examples, through the front-ends that the device uses too."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_sdk.errors import DataError
from edge_sdk.frontends import Frontends
from edge_sdk.frontends.image import read_picture
from edge_sdk.frontends.media import features_of
from edge_sdk.frontends.recording import read_recording
from edge_sdk.samples import Sample, SampleSet

from .batch import Batch, Example, collate
from .config import Head


class SampleExamples(Sequence[Example]):
    """The samples of a set as :class:`Example`, computed when asked for.

    A label that the model's head does not know is an error, not a missing label: it means that
    the set belongs to another model.
    """

    def __init__(self, samples: SampleSet, frontends: Frontends, heads: Sequence[Head]) -> None:
        self._samples = samples
        self._frontends = frontends
        self._classes = {
            head.name: {label: i for i, label in enumerate(head.labels)} for head in heads
        }

    def __len__(self) -> int:
        return len(self._samples)

    def __getitem__(self, index: Any) -> Any:
        return self._example(self._samples[index])

    def __iter__(self) -> Iterator[Example]:
        return (self._example(sample) for sample in self._samples)

    def batches(self, size: int) -> Iterator[Batch]:
        """All examples in order, ``size`` at a time; holds one batch at once."""
        names = tuple(self._classes)
        for start in range(0, len(self), size):
            rows = range(start, min(start + size, len(self)))
            yield collate([self[row] for row in rows], self._frontends.modalities, names)

    def _example(self, sample: Sample) -> Example:
        wanted = self._frontends.modalities
        inputs: dict[str, NDArray[np.generic]] = {}
        if sample.audio is not None and "audio" in wanted:
            samples = read_recording(self._samples.path(sample.audio), self._frontends.audio.config)
            features = self._frontends.audio.batch(samples)
            # a recording shorter than one window is one in which nothing was heard
            if len(features):
                inputs["audio"] = features
        if sample.image is not None and "image" in wanted:
            background = self._frontends.image.config.background
            picture = read_picture(self._samples.path(sample.image), background=background)
            inputs["image"] = self._frontends.image(picture)[0]
        if sample.text is not None and "text" in wanted:
            inputs["text"] = self._frontends.text(sample.text)[0]
        if sample.video is not None and "video" in wanted:
            clip = self._samples.path(sample.video)
            inputs["video"] = features_of(self._frontends, "video", clip)[0]
        return Example(inputs, self._labels(sample))

    def _labels(self, sample: Sample) -> dict[str, int]:
        labels: dict[str, int] = {}
        for head, classes in self._classes.items():
            label = sample.labels.get(head)
            if label is None:
                continue
            if label not in classes:
                raise DataError(
                    f"Sample {sample.id!r} has the {head} {label!r}, which the model does not know."
                )
            labels[head] = classes[label]
        return labels

"""Samples that two sets share, by what is in them: what judges a model must not train it."""

from __future__ import annotations

import hashlib
from pathlib import Path

from edge_sdk.samples import Sample, SampleSet


def apart(samples: SampleSet, judged: SampleSet) -> SampleSet:
    """The ``samples`` whose sound, picture, text and video are not those of one of ``judged``.

    Ids, labels and names of files do not matter. Files are read only where their sizes agree.
    """
    sizes = {_sizes(judged, sample) for sample in judged}
    suspects = [sample for sample in samples if _sizes(samples, sample) in sizes]
    if not suspects:
        return samples
    contents = {_contents(judged, sample) for sample in judged}
    same = {sample.id for sample in suspects if _contents(samples, sample) in contents}
    return samples.subset([sample for sample in samples if sample.id not in same])


def _sizes(samples: SampleSet, sample: Sample) -> tuple[object, ...]:
    return (sample.text, *((len(files), sum(file.stat().st_size for file in files))
                           for files in _files(samples, sample)))  # fmt: skip


def _contents(samples: SampleSet, sample: Sample) -> tuple[object, ...]:
    return (sample.text, *(tuple(hashlib.sha256(file.read_bytes()).digest() for file in files)
                           for files in _files(samples, sample)))  # fmt: skip


def _files(samples: SampleSet, sample: Sample) -> list[list[Path]]:
    """The files of sound, picture and video: one, those of a clip's folder, or none."""
    paths = [None if name is None else samples.path(name)
             for name in (sample.audio, sample.image, sample.video)]  # fmt: skip
    return [
        [] if path is None
        else sorted(f for f in path.iterdir() if f.is_file()) if path.is_dir()
        else [path]
        for path in paths
    ]  # fmt: skip

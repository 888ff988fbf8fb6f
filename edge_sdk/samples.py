"""A sample set: the one format for calibration, held-out, and training data on disk.

A folder with ``samples.jsonl``, one JSON object a line, and the files it names::

    {"id": "t-0001", "audio": "audio/t-0001.wav", "image": "image/t-0001.png",
     "text": "what is this", "video": "video/t-0001.mp4",
     "labels": {"intent": "what-is-this", "card": "frog"}, "meta": {}}

Every modality and every label may be absent: a sample without audio is a sample in which
nothing was heard, a missing label is one that this sample says nothing about. A video is a file,
or a folder of stills; see :func:`edge_sdk.frontends.clip.read_clip`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from .errors import DataError, storage_errors
from .files import is_file, is_folder

INDEX = "samples.jsonl"


class Sample(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One labelled observation.

    ``audio``, ``image`` and ``video`` are paths relative to the set's folder.
    """

    id: str
    audio: str | None = None
    image: str | None = None
    text: str | None = None
    video: str | None = None
    labels: dict[str, str] = {}
    meta: dict[str, Any] = {}

    @property
    def modalities(self) -> tuple[str, ...]:
        """The modalities this sample has, in the order audio, image, text, video."""
        names = ("audio", "image", "text", "video")
        return tuple(name for name in names if getattr(self, name) is not None)

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths that the sample names."""
        return tuple(p for p in (self.audio, self.image, self.video) if p is not None)


class SampleSet(Sequence[Sample]):
    """The samples below one folder, in the order of the index.

    Raises:
        DataError: the folder or its index is missing or malformed, an id is repeated, or a
            file is named that does not exist or lies outside the folder.
    """

    def __init__(self, root: Path, samples: Sequence[Sample]) -> None:
        self.root = root
        self._samples = tuple(samples)

    @classmethod
    def open(cls, root: str | Path) -> SampleSet:
        """Read and check the index of the sample set at ``root``."""
        root = Path(root)
        index = root / INDEX
        if not is_file(index):
            raise DataError(
                f"There is no sample set at {root}: it needs a file named {INDEX}, "
                "one JSON object a line (see the README, 'Your own data')."
            )
        samples: list[Sample] = []
        seen: set[str] = set()
        for number, line in enumerate(index.read_bytes().splitlines(), 1):
            if not line.strip():
                continue
            try:
                sample = msgspec.json.decode(line, type=Sample)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                raise DataError(f"Line {number} of {index} is not a sample: {error}.") from error
            if sample.id in seen:
                raise DataError(f"Line {number} of {index} repeats the id {sample.id!r}.")
            seen.add(sample.id)
            _check_files(root, sample, f"line {number} of {index}")
            samples.append(sample)
        if not samples:
            raise DataError(f"The sample set at {root} is empty: {INDEX} has no line.")
        return cls(root, samples)

    def __len__(self) -> int:
        return len(self._samples)

    def __getitem__(self, index: Any) -> Any:
        return self._samples[index]

    def __iter__(self) -> Iterator[Sample]:
        return iter(self._samples)

    def path(self, relative: str) -> Path:
        """The full path of a file that a sample names."""
        return self.root / relative

    def subset(self, samples: Sequence[Sample]) -> SampleSet:
        """A view of some of the samples, over the same folder."""
        return SampleSet(self.root, samples)

    def copy(self, folder: Path) -> SampleSet:
        """These samples with their files as a set of their own, in a folder that is not there yet.

        Raises:
            StorageError: the place cannot be written or is full.
        """
        import shutil  # loads every compression

        with storage_errors(folder):
            folder.mkdir(parents=True)
            for name in dict.fromkeys(name for s in self._samples for name in s.paths):
                here, there = self.path(name), folder / name
                there.parent.mkdir(parents=True, exist_ok=True)
                (shutil.copytree if is_folder(here) else shutil.copyfile)(here, there)
            write_index(folder, self._samples)
        return SampleSet(folder, self._samples)

    def digest(self) -> str:
        """SHA-256 over the samples and the bytes of every file they name, as hex."""
        import hashlib  # loads OpenSSL, which a device does without

        total = hashlib.sha256()
        for sample in self._samples:
            total.update(msgspec.json.encode(sample, order="sorted"))
            for name in sample.paths:
                path = self.path(name)
                for file in _files(path):
                    if file != path:
                        total.update(file.name.encode(errors="surrogateescape"))
                    total.update(hashlib.sha256(file.read_bytes()).digest())
        return total.hexdigest()


def spread_evenly(samples: Sequence[Sample], limit: int | None) -> list[Sample]:
    """At most ``limit`` samples, evenly over a set that may be sorted by label; None: all."""
    if limit is None or limit >= len(samples):
        return list(samples)
    return [samples[i * len(samples) // limit] for i in range(limit)]


def write_index(root: Path, samples: Sequence[Sample]) -> None:
    """Write ``samples`` as the index of the sample set at ``root``."""
    lines = [msgspec.json.encode(sample, order="sorted") for sample in samples]
    (root / INDEX).write_bytes(b"\n".join(lines) + b"\n")


def _check_files(root: Path, sample: Sample, where: str) -> None:
    base = root.resolve()
    for name in sample.paths:
        path = root / name
        # A clip may be a folder.
        if not is_file(path) and not (name == sample.video and is_folder(path)):
            raise DataError(f"The file {name!r} named in {where} does not exist.")
        if not all(p.resolve().is_relative_to(base) for p in (path, *_files(path))):
            raise DataError(f"The path {name!r} in {where} leaves the sample set's folder.")


def _files(path: Path) -> list[Path]:
    """The file itself, or the files right in a folder, by name."""
    if not path.is_dir():
        return [path]
    return sorted(entry for entry in path.iterdir() if entry.is_file())

"""What all candidates are given: fp32 graphs, calibration subsets and inputs, held-out features."""

from __future__ import annotations

import random
import sys
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from edge_sdk.bundle import Bundle
from edge_sdk.bundle.manifest import Head
from edge_sdk.errors import DataError
from edge_sdk.samples import Sample, SampleSet

from ..parts import features_of, load_edition
from ..process import edge_sdk
from ..tree import TreeUsage, measure_tree
from .graphs import Unpacked, unpacked

WORKERS = Path(__file__).with_name("workers")
#: Held-out samples with every modality whose time is taken.
TIMED = 8


class Material:
    """One run's material, made when it is asked for, below a scratch folder.

    Args:
        checkpoint: the checkpoint that everybody converts.
        data: a folder with the sample sets ``calibration`` and ``held-out``.
        scratch: an empty folder.
        environments: where the peers' environments are kept.
        subset_size: how many calibration samples a seed draws.
    """

    def __init__(
        self, checkpoint: Path, data: Path, scratch: Path, environments: Path, subset_size: int
    ) -> None:
        self.checkpoint, self.environments = checkpoint, environments
        self._data, self.scratch, self._size = data, scratch, subset_size

    @cached_property
    def calibration(self) -> SampleSet:
        """The samples that the subsets are drawn from."""
        return SampleSet.open(self._data / "calibration")

    @cached_property
    def held_out(self) -> SampleSet:
        """The samples that no calibration saw."""
        return SampleSet.open(self._data / "held-out")

    def subset(self, seed: int) -> Path:
        """The sample set that ``seed`` draws, as a folder."""
        return self._folder(f"calibration-{seed}", self._chosen(seed))

    def undrawn(self, seed: int) -> Path:
        """What ``seed`` left of the calibration samples, as a folder, for a gate to judge by.

        Raises:
            DataError: it left nothing.
        """
        drawn = {sample.id for sample in self._chosen(seed)}
        rest = [sample for sample in self.calibration if sample.id not in drawn]
        if not rest:
            raise DataError(
                f"All {len(self.calibration)} calibration samples are drawn and none is left to "
                "judge by; give a smaller --samples."
            )
        return self._folder(f"evaluation-{seed}", rest)

    def _folder(self, name: str, samples: Sequence[Sample]) -> Path:
        folder = self.scratch / name
        if not folder.exists():
            self.calibration.subset(samples).copy(folder)
        return folder

    def _chosen(self, seed: int) -> list[Sample]:
        every = list(self.calibration)
        drawn = random.Random(seed).sample(range(len(every)), min(self._size, len(every)))
        return [every[number] for number in sorted(drawn)]

    @cached_property
    def _exported(self) -> tuple[Path, TreeUsage]:
        path = self.scratch / "fp32.edge"
        command = self._convert("onnxruntime", path, self.scratch / "fp32-cache")
        return path, measure_tree(command)

    def _convert(self, engine: str, path: Path, cache: Path) -> list[str]:
        return edge_sdk(
            *("convert", str(self.checkpoint), "--precision", "fp32", "--engine", engine),
            *("--calibration", str(self.subset(0)), "--cache", str(cache), "--output", str(path)),
        )

    @property
    def export_usage(self) -> TreeUsage:
        """What the way from the checkpoint to the fp32 ONNX graphs took."""
        return self._exported[1]

    @cached_property
    def bundle(self) -> Bundle:
        """The fp32 bundle."""
        return Bundle.open(self._exported[0])

    @property
    def heads(self) -> tuple[Head, ...]:
        """What the model answers."""
        return self.bundle.manifest.heads

    @cached_property
    def onnx(self) -> dict[str, str]:
        """The fp32 ONNX graph of each part."""
        folder = self.scratch / "onnx"
        folder.mkdir()
        parts = unpacked(self.bundle, "onnxruntime", folder).parts
        return {name: graph.graph for name, graph in parts.items()}

    @cached_property
    def _tflite(self) -> tuple[Unpacked, TreeUsage]:
        path, folder = self.scratch / "tflite.edge", self.scratch / "tflite"
        used = measure_tree(self._convert("litert", path, self.scratch / "tflite-cache"))
        folder.mkdir()
        return unpacked(Bundle.open(path), "litert", folder), used

    @property
    def tflite(self) -> dict[str, str]:
        """The fp32 TFLite graph of each part."""
        return {name: graph.graph for name, graph in self._tflite[0].parts.items()}

    @property
    def tflite_usage(self) -> TreeUsage:
        """What the way from the checkpoint to the fp32 TFLite graphs took."""
        return self._tflite[1]

    @cached_property
    def _programs(self) -> tuple[dict[str, str], TreeUsage]:
        folder = self.scratch / "programs"
        folder.mkdir()
        job = folder / "job.json"
        job.write_bytes(
            msgspec.json.encode(
                {"checkpoint": str(self.checkpoint), "fixed": self.fixed, "out": str(folder)}
            )
        )
        used = measure_tree([sys.executable, str(WORKERS / "programs.py"), str(job)])
        return {part: str(folder / f"{part}.pt2") for part in self.tflite}, used

    @property
    def programs(self) -> dict[str, str]:
        """Each part as a captured torch program, padded as the TFLite graphs are."""
        return self._programs[0]

    @property
    def programs_usage(self) -> TreeUsage:
        """What the way from the checkpoint to the programs took."""
        return self._programs[1]

    @cached_property
    def modules(self) -> dict[str, str]:
        """Each part as a torch module with its own code: what a user has who starts from torch.

        What making them takes is nobody's.
        """
        folder = self.scratch / "modules"
        folder.mkdir()
        job = folder / "job.json"
        job.write_bytes(
            msgspec.json.encode({"checkpoint": str(self.checkpoint), "out": str(folder)})
        )
        measure_tree([sys.executable, str(WORKERS / "modules.py"), str(job)])
        return {path.stem: str(path) for path in sorted(folder.glob("*.package"))}

    @property
    def fixed(self) -> dict[str, list[dict[str, Any]]]:
        """What the TFLite graphs and the programs pad."""
        return self._tflite[0].fixed

    def feeds(self, seed: int) -> dict[str, str]:
        """Calibration inputs by part, drawn by ``seed``: archives of ``NUMBER/INPUT``."""
        folder = self.scratch / f"feeds-{seed}"
        names = [part.name for part in self.bundle.manifest.parts]
        if not folder.exists():
            folder.mkdir()
            for part, arrays in self._feeds(seed).items():
                np.savez(folder / f"{part}.npz", allow_pickle=False, **arrays)
        return {name: str(folder / f"{name}.npz") for name in names}

    def _feeds(self, seed: int) -> dict[str, dict[str, NDArray[Any]]]:
        """The encoders' features, and for the head what fp32 encoders make of them."""
        edition = load_edition(self.bundle, "onnxruntime")
        head = self.bundle.manifest.head
        found: dict[str, dict[str, NDArray[Any]]] = {}
        for number, sample in enumerate(self._chosen(seed)):
            features = features_of(self.bundle, self.calibration, sample)
            given = self.missing()
            for name, value in features.items():
                found.setdefault(name, {})[f"{number}/features"] = value
                given[name] = edition.encode(name, value)
            mask = [[name in features for name in self.modalities]]
            given["mask"] = np.array(mask, np.float32)
            for name, value in given.items():
                found.setdefault(head.name, {})[f"{number}/{name}"] = value
        edition.close()
        return found

    @property
    def modalities(self) -> tuple[str, ...]:
        """In the order of the mask."""
        return tuple(self.bundle.manifest.frontends.modalities)

    def missing(self) -> dict[str, NDArray[Any]]:
        """The zeros that stand for each modality."""
        return {name: np.zeros((1, size), np.float32) for name, size in self.embeddings.items()}

    @property
    def embeddings(self) -> dict[str, int]:
        """The length of each modality's embedding."""
        return {
            spec.name: int(spec.shape[-1])
            for spec in self.bundle.manifest.head.inputs
            if spec.name != "mask"
        }

    @cached_property
    def features(self) -> Path:
        """The features of the held-out samples: an archive of ``NUMBER/MODALITY``."""
        arrays = {}
        for number, sample in enumerate(self.held_out):
            for name, value in features_of(self.bundle, self.held_out, sample).items():
                arrays[f"{number}/{name}"] = value
        path = self.scratch / "held-out.npz"
        np.savez(path, allow_pickle=False, **arrays)
        return path

    @cached_property
    def truth(self) -> dict[str, list[int]]:
        """The true class of every held-out sample by head; -1 where it has no label."""
        return {
            head.name: [
                head.labels.index(sample.labels[head.name]) if head.name in sample.labels else -1
                for sample in self.held_out
            ]
            for head in self.heads
        }

    @cached_property
    def timed(self) -> list[int]:
        """Numbers of held-out samples with every modality, evenly over the set."""
        wanted = set(self.modalities)
        whole = [n for n, s in enumerate(self.held_out) if wanted <= set(s.modalities)]
        return [whole[i * len(whole) // TIMED] for i in range(TIMED)]

    def job(self, folder: Path, content: dict[str, Any]) -> Path:
        """A job of ``workers/run.py`` on the held-out samples, as a file in ``folder``."""
        path = folder / "run.json"
        shared = {
            "modalities": self.modalities,
            "embeddings": self.embeddings,
            "samples": str(self.features),
            "timed": self.timed,
        }
        path.write_bytes(msgspec.json.encode({**shared, **content}))
        return path

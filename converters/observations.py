"""What encoders make of the evaluation samples: one pass for all that is new, kept by content."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from numpy.typing import NDArray

from edge_sdk.bundle.golden import decode_arrays, encode_arrays
from edge_sdk.digest import sha256_hex
from edge_sdk.errors import DataError
from edge_sdk.frontends import Frontends, frontends_hash
from edge_sdk.frontends.config import FrontendsConfig
from edge_sdk.samples import SampleSet

from .backends.protocol import Releases, Runner
from .cache import StageCache
from .feeds import Wiring, wired_features
from .progress import Progress

Rows = list[NDArray[Any] | None]


class Encoder(msgspec.Struct, frozen=True):
    """A graph of an encoder, named by its content, and what runs it."""

    modality: str
    content: bytes
    runner: Runner

    @property
    def name(self) -> str:
        """Text that names the modality and the graph."""
        return f"{self.modality} {type(self.runner).__name__} {sha256_hex(self.content)}"


class Observations:
    """Embeddings of the evaluation samples by encoder graph.

    Raises:
        DataError: no sample has what the model takes.
    """

    def __init__(
        self,
        evaluation: SampleSet,
        frontends: FrontendsConfig,
        wiring: Wiring,
        store: StageCache,
        progress: Progress,
        tools: str,
    ) -> None:
        self._set, self._frontends, self._wiring = evaluation, Frontends(frontends), wiring
        self._store, self._progress = store, progress
        #: Text that names the samples and the front-ends, for the cache.
        self.key = f"embeddings {tools} {frontends_hash(frontends)} {evaluation.digest()}"
        self._known: dict[str, Rows] = {}
        self.samples = [s for s in evaluation if wiring.takes(s.modalities)]
        if not self.samples:
            raise DataError(
                f"No sample of the set at {evaluation.root} has what this model "
                f"takes: {', '.join(wiring.modalities)}."
            )

    def find(
        self, wanted: Mapping[str, Mapping[str, Encoder]], stage: str
    ) -> dict[str, dict[str, Rows]]:
        """By modality and kind, each sample's embedding (None where it lacks the modality).

        A modality without an encoder has its features, as the kind ``base``.
        """
        encoders = {e.name: e for kinds in wanted.values() for e in kinds.values()}
        for name in encoders.keys() - self._known.keys():
            content = self._store.find(f"{self.key} {name}")
            if content is not None:
                self._known[name] = self._decode(content)
        bare = [name for name in self._wiring.modalities if name not in self._wiring.encoders]
        new = {n: e for n, e in encoders.items() if n not in self._known}
        self._run(new, [name for name in bare if name not in self._known], stage)
        found = {
            modality: {kind: self._known[encoder.name] for kind, encoder in kinds.items()}
            for modality, kinds in wanted.items()
        }
        return found | {name: {"base": self._known[name]} for name in bare}

    def _run(self, new: Mapping[str, Encoder], bare: list[str], stage: str) -> None:
        rows: dict[str, Rows] = {name: [] for name in (*new, *bare)}
        # One modality after the other: only its encoders are loaded, and let go of after it.
        modalities = [m for m in self._wiring.modalities
                      if m in bare or any(e.modality == m for e in new.values())]  # fmt: skip
        steps = len(modalities) * len(self.samples)
        self._release(new.values())
        for place, modality in enumerate(modalities):
            mine = {name: e for name, e in new.items() if e.modality == modality}
            for done, sample in enumerate(self.samples):
                self._progress(stage, place * len(self.samples) + done, steps)
                features = wired_features(
                    self._wiring, self._frontends, self._set, sample, (modality,)
                )
                for name, encoder in mine.items():
                    found = self._wiring.embed({modality: encoder.runner}, features)
                    rows[name].append(found.get(modality))
                if modality in bare:
                    rows[modality].append(features.get(modality))
            self._release(mine.values())
        if steps:
            self._progress(stage, steps, steps)
        self._known.update(rows)
        for name in new:
            arrays = {str(i): v for i, v in enumerate(rows[name]) if v is not None}
            self._store.put(f"{self.key} {name}", encode_arrays(arrays))

    def _release(self, encoders: Iterable[Encoder]) -> None:
        for encoder in encoders:
            if isinstance(encoder.runner, Releases):
                encoder.runner.release()

    def _decode(self, content: bytes) -> Rows:
        arrays = decode_arrays(content, "the cache")
        return [arrays.get(str(i)) for i in range(len(self.samples))]

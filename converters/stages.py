"""The stages between a source and what is written; what targets share is done once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from numpy.typing import NDArray

from edge_sdk.bundle.golden import encode_arrays
from edge_sdk.bundle.manifest import Tolerances
from edge_sdk.errors import DataError
from edge_sdk.frontends import Frontends
from edge_sdk.frontends.media import sample_features
from edge_sdk.samples import Sample
from edge_sdk.targets import Precision, TargetProfile

from .assemble import Conversion, file_of, streaming_files
from .backends import Runner, load_backend
from .cache import StageCache
from .data import Split
from .edition import Candidates, check_size, choose, make_candidates
from .feeds import wiring_of
from .gate import Gate
from .golden import expected_values, golden_inputs, pick
from .progress import Progress
from .reference import Reference
from .selfcheck import check_on_host
from .source import Source
from .streaming import stepper_of, stream_values
from .works import Works, export_parts


class Stages:
    """Exports on construction; :meth:`run` does the rest for one target after the other."""

    def __init__(
        self,
        source: Source,
        split: Split,
        store: StageCache,
        progress: Progress,
        *,
        streaming: bool = False,
    ) -> None:
        self._source, self._split, self._progress = source, split, progress
        self._frontends = Frontends(source.frontends)
        self._graphs = export_parts(source, store, progress)
        self._base: dict[str, Runner] = {n: Reference(g) for n, g in self._graphs.items()}
        self._wiring = wiring_of(self._frontends.modalities, self._graphs)
        self._works = Works(
            source,
            self._graphs,
            self._base,
            self._wiring,
            split.calibration,
            store,
            progress,
            streaming=streaming,
        )
        picked = pick(list(split.evaluation), self._wiring)
        self._golden = golden_inputs(split.evaluation, picked, self._frontends)

    def run(
        self, profile: TargetProfile, precisions: Sequence[Precision], limit: float
    ) -> tuple[Conversion, dict[str, bytes], list[str]]:
        """All stages but writing: what was found, the bundle's files, and warnings."""
        parts = [self._works.make(spec, profile) for spec in self._source.parts]
        candidates = [make_candidates(engine, parts, precisions) for engine in profile.engines]
        gates = {made.engine: self._observe(made, len(candidates) > 1) for made in candidates}
        editions = [choose(made, gates[made.engine], limit) for made in candidates]
        tolerances = Tolerances()
        warnings = self._split.warnings()
        contents: dict[str, bytes] = {}
        for sample in self._golden:
            contents |= sample.files
        for done, edition in enumerate(editions):
            self._progress("golden", done, len(editions))
            check_size(edition, profile)
            expected = [
                expected_values(self._wiring, edition.runners, sample.features)
                for sample in self._golden
            ]
            audio = edition.artefacts.get("audio")
            if audio is not None:
                stepper = stepper_of(load_backend(audio.engine), audio)
                for sample, values in zip(self._golden, expected, strict=True):
                    values |= stream_values(stepper, sample.features)
            for sample, values in zip(self._golden, expected, strict=True):
                contents[sample.expected_file(edition.engine)] = encode_arrays(values)
            for name, artefact in edition.artefacts.items():
                contents[file_of(name, artefact)] = artefact.content
                contents |= streaming_files(name, artefact)
            warnings += check_on_host(
                edition,
                self._wiring,
                self._golden,
                expected,
                tolerances,
                self._source.heads,
                profile,
            )
        self._progress("golden", len(editions), len(editions))
        found = Conversion(
            source=self._source,
            profile=profile,
            graphs=self._graphs,
            editions=editions,
            gates=gates,
            golden=self._golden,
            split=self._split,
            limit=limit,
            tolerances=tolerances,
        )
        return found, contents, warnings

    def _observe(self, made: Candidates, several: bool) -> Gate:
        """A gate for one engine, shown every evaluation sample."""
        gate = Gate(self._base, made.runners, self._wiring, self._source.heads)
        gate.observe(self._features(f"evaluate {made.engine}" if several else "evaluate"))
        if not gate.samples:
            raise DataError(
                f"No sample of the set at {self._split.evaluation.root} has what this model "
                f"takes: {', '.join(self._wiring.modalities)}."
            )
        return gate

    def _features(self, stage: str) -> Iterator[tuple[Sample, dict[str, NDArray[Any]]]]:
        samples, wiring = self._split.evaluation, self._wiring
        for done, sample in enumerate(samples):
            self._progress(stage, done, len(samples))
            if wiring.takes(sample.modalities):
                yield sample, sample_features(self._frontends, samples, sample, wiring.modalities)
        self._progress(stage, len(samples), len(samples))

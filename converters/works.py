"""The parts of a source ready for the backends: exported, with feeds and ranges at hand."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from itertools import islice

import msgspec
import onnx

from edge_sdk.frontends import Frontends, frontends_hash
from edge_sdk.samples import SampleSet
from edge_sdk.targets import TargetProfile

from .backends.protocol import Feed, PartWork, Runner
from .cache import StageCache
from .calibration.ranges import Calibration, calibrate
from .calibration.registry import load_calibrator
from .export.onnx import export_onnx
from .feeds import Wiring, part_feeds
from .memory import give_back
from .parts import PartSpec
from .progress import Progress, silent
from .quantisation.plan import QuantisationPlan
from .source import HEAD, Source

_TOOLS = ("edge-sdk", "torch", "onnx", "onnxscript", "onnxruntime", "numpy")

# Samples on which one form of a part is held against another.
_FEW = 3


def export_parts(
    source: Source, store: StageCache, progress: Progress
) -> dict[str, onnx.ModelProto]:
    """Every part's fp32 graph, held against torch where there is a module.

    Raises:
        ExportError: a part cannot be exported, or differs from torch.
    """
    graphs, made = {}, False
    for done, spec in enumerate(source.parts):
        progress("export", done, len(source.parts))
        kept = store if source.stable else StageCache(None)
        key = f"export {tools()} {source.digest} {spec.name}"
        content = kept.find(key)
        if content is None:
            content, made = _exported(spec), True
            kept.put(key, content)
        graphs[spec.name] = onnx.load_from_string(content)
    progress("export", len(source.parts), len(source.parts))
    if made:
        # The exporter's graphs of modules refer to each other: nothing else frees them.
        give_back()
    return graphs


class Works:
    """Makes the :class:`PartWork` of each part for one target after the other."""

    def __init__(
        self,
        source: Source,
        graphs: Mapping[str, onnx.ModelProto],
        base: Mapping[str, Runner],
        wiring: Wiring,
        samples: SampleSet,
        store: StageCache,
        progress: Progress,
        *,
        streaming: bool = False,
    ) -> None:
        self._source, self._graphs, self._base = source, graphs, base
        self._streaming = streaming
        self._wiring, self._samples = wiring, samples
        self._store, self._progress = store, progress
        self._digest = f"{frontends_hash(source.frontends)} {samples.digest()}"
        # The graphs themselves are the key: code of the user's is in no digest of weights.
        self._key = f"{tools()} {_digest(graphs)}"
        self._seen: dict[str, Calibration] = {}

    def make(
        self, spec: PartSpec, profile: TargetProfile, plan: QuantisationPlan | None = None
    ) -> PartWork:
        """The work of one part for one target.

        Raises:
            UsageError: the plan names a calibrator that there is not.
        """
        plan = plan or QuantisationPlan()
        load_calibrator(plan.calibrator, plan.parameters)
        name = spec.name
        return PartWork(
            name=name,
            key=f"{self._key} {name}",
            spec=spec,
            graph=self._graphs[name],
            feeds=lambda: self._feeds(name, self._progress),
            few=lambda: islice(self._feeds(name, silent), _FEW),
            feeds_key=self._digest,
            calibration=lambda: self._calibration(name, plan),
            scheme=profile.int8,
            lengths=self._lengths(profile.longest_seconds),
            longest=self._lengths(float("inf")),
            store=self._store,
            streaming=self._streaming,
            plan=plan,
        )

    def some_feeds(self, name: str, count: int) -> list[Feed]:
        """Inputs of a part from a few samples, evenly over the set, whole ones where there are."""
        wanted = self._wiring.modalities
        usable = [s for s in self._samples if name == HEAD or name in s.modalities]
        usable = [s for s in usable if self._wiring.takes(s.modalities)]
        whole = [s for s in usable if set(wanted) <= set(s.modalities)] or usable
        count = min(count, len(whole))
        spread = self._samples.subset([whole[i * len(whole) // count] for i in range(count)])
        return list(self._feeds(name, silent, spread))

    @property
    def feeds_key(self) -> str:
        """Text that names the samples, for the cache."""
        return self._digest

    def _lengths(self, longest_seconds: float) -> dict[str, int]:
        frontends, lengths = self._source.frontends, {}
        if frontends.audio is not None:
            seconds = min(longest_seconds, frontends.audio.max_seconds)
            lengths["frames"] = round(seconds * 1000 / frontends.audio.hop_ms)
        if frontends.text is not None:
            # The front-end never gives more.
            lengths["tokens"] = frontends.text.max_tokens
        return lengths

    def _feeds(
        self, name: str, progress: Progress, samples: SampleSet | None = None
    ) -> Iterator[Feed]:
        encoders = self._base if name == HEAD else {}
        frontends = Frontends(self._source.frontends)
        samples = samples or self._samples
        return part_feeds(name, self._wiring, encoders, frontends, samples, progress)

    def _calibration(self, name: str, plan: QuantisationPlan) -> Calibration:
        key = f"ranges {self._key} {self._digest} {name} {plan.ranges_key}"
        if key not in self._seen:
            feeds = self._feeds(name, self._progress)
            content = self._store.get(key, _Ranges(self._graphs[name], feeds, plan))
            self._seen[key] = msgspec.json.decode(content, type=Calibration)
        return self._seen[key]


def tools() -> dict[str, str]:
    """The versions of what makes a bundle."""
    found = {"python": platform.python_version()}
    for name in _TOOLS:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _digest(graphs: Mapping[str, onnx.ModelProto]) -> str:
    total = hashlib.sha256()
    for name, graph in graphs.items():
        total.update(name.encode() + graph.SerializeToString(deterministic=True))
    return total.hexdigest()


def _exported(spec: PartSpec) -> bytes:
    content: bytes = export_onnx(spec).SerializeToString()
    return content


class _Ranges(msgspec.Struct):
    graph: onnx.ModelProto
    feeds: Iterator[Feed]
    plan: QuantisationPlan

    def __call__(self) -> bytes:
        observer = load_calibrator(self.plan.calibrator, self.plan.parameters)
        seen = calibrate(self.graph, self.feeds, observer=observer)
        content: bytes = msgspec.json.encode(seen)
        return content

"""The ONNX graphs of every part: exported, and quantised where int8 is wanted."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import version
from typing import Any

import msgspec
import onnx
from numpy.typing import NDArray

from edge_sdk.bundle.manifest import FloatShare
from edge_sdk.frontends import Frontends, frontends_hash
from edge_sdk.frontends.media import sample_features
from edge_sdk.samples import SampleSet
from edge_sdk.targets import Int8Scheme, Precision

from .cache import StageCache
from .calibration.ranges import Calibration, calibrate
from .export.onnx import export_onnx
from .gate import head_feed
from .parts import PartSpec
from .quantise import float_share, parameter_count, quantise
from .reference import Reference
from .source import HEAD, Source

# Called with the stage, what is done and what is to do.
Progress = Callable[[str, int, int], None]
Feed = Mapping[str, NDArray[Any]]
_TOOLS = ("edge-sdk", "torch", "onnx", "onnxscript", "onnxruntime", "numpy")


class PartGraphs(msgspec.Struct):
    """A part's graph at each precision, its number of weights, and what int8 left in float."""

    graphs: dict[Precision, onnx.ModelProto]
    parameters: int
    stayed_float: FloatShare | None = None


def export_parts(source: Source, store: StageCache, progress: Progress) -> dict[str, PartGraphs]:
    """Every part in fp32, held against torch.

    Raises:
        ExportError: a part cannot be exported, or differs from torch.
    """
    made = {}
    for done, spec in enumerate(source.parts):
        progress("export", done, len(source.parts))
        content = store.get(f"export {tools()} {source.digest} {spec.name}", _Export(spec))
        graph = onnx.load_from_string(content)
        made[spec.name] = PartGraphs({"fp32": graph}, parameter_count(graph))
    progress("export", len(source.parts), len(source.parts))
    return made


def quantise_parts(
    parts: Mapping[str, PartGraphs],
    source: Source,
    samples: SampleSet,
    scheme: Int8Scheme,
    store: StageCache,
    progress: Progress,
) -> None:
    """Add int8 to every part, its ranges from ``samples``.

    Raises:
        DataError: a part has no sample, or an activation is not finite on one.
        InputError: a file of a sample cannot be used.
    """
    data = f"{frontends_hash(source.frontends)} {samples.digest()}"
    fp32 = {name: part.graphs["fp32"] for name, part in parts.items()}
    for name, part in parts.items():
        feeds = part_feeds(name, fp32, Frontends(source.frontends), samples, progress)
        key = f"ranges {tools()} {source.digest} {data} {name} minmax"
        content = store.get(key, _Ranges(fp32[name], feeds))
        seen = msgspec.json.decode(content, type=Calibration)
        part.graphs["int8"] = quantise(fp32[name], seen, scheme)
        part.stayed_float = float_share(fp32[name], part.graphs["int8"], seen)


def part_feeds(
    name: str,
    graphs: Mapping[str, onnx.ModelProto],
    frontends: Frontends,
    samples: SampleSet,
    progress: Progress,
) -> Iterator[Feed]:
    """The inputs of a part over ``samples``, made one at a time; the head's come from fp32."""
    encoders = {m: Reference(graphs[m]) for m in frontends.modalities} if name == HEAD else {}
    widths = {modality: encoder.width for modality, encoder in encoders.items()}
    wanted = frontends.modalities if name == HEAD else (name,)
    for done, sample in enumerate(samples):
        progress(f"calibrate {name}", done, len(samples))
        features = sample_features(frontends, samples, sample, wanted)
        if not features:
            continue
        if name != HEAD:
            yield {"features": features[name]}
            continue
        present = {m: encoders[m].run({"features": f})["embedding"] for m, f in features.items()}
        yield head_feed(frontends.modalities, present, widths)
    progress(f"calibrate {name}", len(samples), len(samples))


def tools() -> dict[str, str]:
    """The versions of what makes a bundle."""
    return {"python": platform.python_version(), **{name: version(name) for name in _TOOLS}}


class _Export(msgspec.Struct):
    spec: PartSpec

    def __call__(self) -> bytes:
        content: bytes = export_onnx(self.spec).SerializeToString()
        return content


class _Ranges(msgspec.Struct):
    graph: onnx.ModelProto
    feeds: Iterator[Feed]

    def __call__(self) -> bytes:
        content: bytes = msgspec.json.encode(calibrate(self.graph, self.feeds))
        return content

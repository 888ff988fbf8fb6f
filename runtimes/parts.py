"""The graphs of a bundle, loaded: embeddings from features, logits from embeddings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from edge_sdk.bundle import Bundle
from edge_sdk.bundle.manifest import Part, TensorSpec, Variant
from edge_sdk.errors import BundleError, EngineError

from .engines import Engine, EngineOptions, Executable


class LoadedPart(msgspec.Struct, frozen=True):
    """A part of the manifest, the variant that was chosen, and its loaded graph."""

    part: Part
    variant: Variant
    graph: Executable


class LoadedParts:
    """Every part of a bundle, each on one engine.

    Raises:
        EngineError: a part has no variant for the engine, or the engine refuses its graph.
        BundleError: an artefact is damaged, or its graph is not what the manifest says.
    """

    def __init__(self, bundle: Bundle, engine: Engine, options: EngineOptions) -> None:
        manifest = bundle.manifest
        self._all = {part.name: _load(bundle, part, engine, options) for part in manifest.parts}
        self.encoders = {part.name: self._all[part.name] for part in manifest.encoders}
        self.head = self._all[manifest.head.name]
        self.heads = manifest.heads
        embeddings = self.head.part.inputs[:-1]
        self._zeros = {
            name: np.zeros([d for d in spec.shape if isinstance(d, int)], np.float32)
            for name, spec in zip(self.encoders, embeddings, strict=True)
        }
        self._names = {name: s.name for name, s in zip(self.encoders, embeddings, strict=True)}
        self._mask = self.head.part.inputs[-1].name

    def __iter__(self) -> Iterator[LoadedPart]:
        return iter(self._all.values())

    def encode(self, modality: str, features: NDArray[Any]) -> NDArray[np.float32]:
        """Features of one modality -> its embedding, float32 ``[1, embedding]``."""
        loaded = self.encoders[modality]
        outputs = loaded.graph.run({loaded.part.inputs[0].name: features})
        embedding: NDArray[np.float32] = outputs[loaded.part.outputs[0].name]
        return embedding

    def fuse(self, embeddings: Mapping[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
        """Embeddings of the modalities that are present -> logits ``[1, labels]`` by head."""
        inputs: dict[str, NDArray[Any]] = {
            self._names[name]: embeddings.get(name, zeros) for name, zeros in self._zeros.items()
        }
        inputs[self._mask] = np.array([[name in embeddings for name in self._zeros]], np.float32)
        outputs = self.head.graph.run(inputs)
        return {head.name: outputs[head.name] for head in self.heads}

    def close(self) -> None:
        """Close every graph."""
        for loaded in self._all.values():
            loaded.graph.close()


def engines_offered(bundle: Bundle) -> tuple[str, ...]:
    """The engines that every part has a graph for, in the target's order of preference."""
    manifest = bundle.manifest
    sets = [{variant.engine for variant in part.variants} for part in manifest.parts]
    shared = set.intersection(*sets)
    ordered = [name for name in manifest.target.engines if name in shared]
    return (*ordered, *sorted(shared - set(ordered)))


def _load(bundle: Bundle, part: Part, engine: Engine, options: EngineOptions) -> LoadedPart:
    variant = next((v for v in part.variants if v.engine == engine.name), None)
    if variant is None:
        raise EngineError(f"The part {part.name} has no graph for the engine {engine.name}.")
    graph = engine.load(bundle.read(variant.file), options)
    if not (_fit(graph.inputs, part.inputs) and _fit(graph.outputs, part.outputs)):
        raise BundleError(
            f"The graph {variant.file} in {bundle.path} has other inputs or outputs "
            "than the manifest says."
        )
    return LoadedPart(part, variant, graph)


def _fit(found: tuple[TensorSpec, ...], said: tuple[TensorSpec, ...]) -> bool:
    """Whether names, types and lengths agree; an axis of any length agrees with all of them."""
    return len(found) == len(said) and all(
        (f.name, f.dtype, len(f.shape)) == (s.name, s.dtype, len(s.shape))
        and all(a == b or isinstance(a, str) or isinstance(b, str) for a, b in pairs)
        for f, s in zip(found, said, strict=True)
        for pairs in [zip(f.shape, s.shape, strict=False)]
    )

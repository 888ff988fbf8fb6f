"""The graphs of a bundle, loaded: embeddings from features, outputs from embeddings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from edge_sdk.bundle import Bundle
from edge_sdk.bundle.manifest import Manifest, Part, TensorSpec, Variant
from edge_sdk.errors import BundleError, EngineError, InputError, UsageError

from .engines import EngineOptions, Executable, engine_names, graphs_of, load_engine

Arrays = dict[str, NDArray[Any]]
_MASK = "mask"


class LoadedPart(msgspec.Struct, frozen=True):
    """A part of the manifest, the variant that was chosen, its engine, and its loaded graph."""

    part: Part
    variant: Variant
    engine: str
    graph: Executable


class SharedGraphs:
    """Graphs that several editions have in common, each loaded once."""

    def __init__(self) -> None:
        self._graphs: dict[tuple[str, str, str], LoadedPart] = {}

    def load(
        self, bundle: Bundle, part: Part, edition: str, wanted: str, options: EngineOptions
    ) -> LoadedPart:
        """As :func:`load_part`; what was loaded before is given again."""
        variant = bundle.manifest.variant(part, edition)
        key = (part.name, variant.file, engine_for(variant, edition, wanted))
        if key not in self._graphs:
            self._graphs[key] = load_part(bundle, part, edition, wanted, options)
        return self._graphs[key]

    def close(self) -> None:
        """Close every graph."""
        for loaded in self._graphs.values():
            loaded.graph.close()
        self._graphs.clear()


class LoadedParts:
    """Every part of one edition of a bundle, each on the engine the edition names.

    ``modalities`` are those that the edition answers on.

    Args:
        bundle: the bundle.
        name: what :func:`choose_edition` gave: an edition, or the same with the name of an
            engine that stands in for the edition's own.
        options: how to run.
        shared: graphs of other editions to use again; whoever made it closes it.

    Raises:
        EngineError: an engine is not installed or refuses a graph.
        BundleError: an artefact is damaged, or its graph is not what the manifest says.
    """

    def __init__(
        self,
        bundle: Bundle,
        name: str,
        options: EngineOptions,
        shared: SharedGraphs | None = None,
    ) -> None:
        manifest = bundle.manifest
        self._graphs = SharedGraphs() if shared is None else shared
        self.edition = edition = edition_of(manifest, name)
        self.modalities = manifest.modalities_of(edition)
        self._pattern = manifest.frontends.modalities
        self._all = {
            part.name: self._graphs.load(bundle, part, edition, name, options)
            for part in manifest.parts_of(edition)
        }
        self.encoders = {n: loaded for n, loaded in self._all.items() if n != manifest.head.name}
        self._encode = {
            name: (loaded.graph, loaded.part.inputs[0].name, loaded.part.outputs[0].name)
            for name, loaded in self.encoders.items()
        }
        self.head = self._all[manifest.head.name]
        self.heads = manifest.heads
        self._shortest = _shortest(manifest)
        self._missing = _zeros(manifest.head)
        self._masks: dict[tuple[bool, ...], NDArray[np.float32]] = {}

    def __iter__(self) -> Iterator[LoadedPart]:
        return iter(self._all.values())

    @property
    def needs(self) -> frozenset[str]:
        """The modalities that the model cannot do without: all, or none where it takes a mask."""
        return frozenset() if self._missing else frozenset(self._pattern)

    @property
    def engines(self) -> dict[str, str]:
        """The versions of the engines that run the parts, by name."""
        names = {loaded.engine for loaded in self}
        return {name: load_engine(name).version() for name in sorted(names)}

    def encode(self, modality: str, features: NDArray[Any]) -> NDArray[Any]:
        """Features of one modality -> its embedding, float32 ``[1, embedding]``.

        A modality without an encoder keeps its features: the head takes them itself.

        Raises:
            InputError: there are fewer frames or tokens than the model takes.
        """
        needed = self._shortest.get(modality)
        if needed is not None and features.shape[needed[0]] < needed[2]:
            axis, name, fewest = needed
            raise InputError(
                f"The {modality} has {features.shape[axis]} {name}, and this model takes "
                f"{fewest} or more; give a longer one."
            )
        found = self._encode.get(modality)
        if found is None:
            return features
        graph, given, made = found
        return graph.run({given: features})[made]

    def fuse(self, present: Mapping[str, NDArray[Any]]) -> Arrays:
        """What :meth:`encode` gave of the modalities that are present -> output by head.

        Raises:
            InputError: a modality is missing and the model cannot do without it.
        """
        feed = {**self._missing, **present}
        if self._missing:
            feed[_MASK] = self._mask(present)
        elif len(feed) < len(self._pattern):
            absent = [name for name in self._pattern if name not in feed]
            raise InputError(
                f"This model needs {', '.join(self._pattern)} together; "
                f"{', '.join(absent)} is missing."
            )
        return self.head.graph.run(feed)

    def _mask(self, present: Mapping[str, NDArray[Any]]) -> NDArray[np.float32]:
        """1 for each modality that is there, float32 ``[1, modalities]``; made once a pattern."""
        pattern = tuple([name in present for name in self._pattern])
        known = self._masks.get(pattern)
        if known is None:
            known = self._masks[pattern] = np.array([pattern], np.float32)
        return known

    def close(self) -> None:
        """Close every graph, shared ones too."""
        self._graphs.close()


def _shortest(manifest: Manifest) -> dict[str, tuple[int, str, int]]:
    """For each modality with a fewest length: the axis, its name, and the length."""
    found = {}
    for part in manifest.parts:
        for spec in part.inputs:
            fewest = part.shortest.get(spec.name)
            if fewest is None:
                continue
            axis = next(i for i, size in enumerate(spec.shape) if isinstance(size, str))
            modality = part.name if part.role == "encoder" else spec.name
            found[modality] = (axis, str(spec.shape[axis]), fewest)
    return found


def choose_edition(manifest: Manifest, wanted: str) -> str:
    """The edition of a bundle to run, or the engine to run another's edition on.

    ``auto`` takes the first in the target's order of preference whose engines are installed, on
    the rung ``full``; the name of an edition (``onnxruntime``, ``onnxruntime.small``) takes that
    one or fails. The name of an engine that stands in for another (``onnxruntime-tensorrt``)
    takes the other's edition.

    Raises:
        UsageError: no engine of that name exists.
        EngineError: the bundle has no edition for it, or its engine is not installed.
    """
    offered = manifest.ordered_editions()
    if wanted != "auto":
        every = manifest.all_editions()
        if edition_of(manifest, wanted) not in every:
            known, (engine, _, rung) = engine_names(), wanted.partition(".")
            if engine not in known:
                raise UsageError(f"There is no engine {engine!r}; known: {', '.join(known)}.")
            what = f"rung {rung} for the engine {engine}" if rung else f"graphs for {engine}"
            raise EngineError(f"The bundle has no {what}; it has {', '.join(every)}.")
        _check_installed(manifest, wanted)
        return wanted
    missing: list[str] = []
    for name in offered:
        try:
            _check_installed(manifest, name)
        except (UsageError, EngineError) as error:
            missing.append(str(error))
            continue
        return name
    raise EngineError(
        "No engine that this bundle has graphs for is installed here. " + " ".join(missing)
    )


def edition_of(manifest: Manifest, name: str) -> str:
    """The edition that is meant where the engine in ``name`` stands in for the edition's own."""
    engine, dot, rung = name.partition(".")
    if name in manifest.all_editions() or engine not in engine_names():
        return name
    return f"{graphs_of(engine)}{dot}{rung}"


def engine_for(variant: Variant, edition: str, name: str) -> str:
    """The engine of a part; one that fell back to another's graph stays there."""
    own, stand_in = edition.partition(".")[0], name.partition(".")[0]
    return stand_in if variant.engine == own else variant.engine


def _check_installed(manifest: Manifest, wanted: str) -> None:
    edition = edition_of(manifest, wanted)
    variants = [manifest.variant(part, edition) for part in manifest.parts_of(edition)]
    for engine in sorted({engine_for(variant, edition, wanted) for variant in variants}):
        try:
            load_engine(engine).version()
        except UsageError as error:
            sentence = f"The bundle needs the engine {engine}, which this edge-sdk does not have."
            raise EngineError(sentence) from error


def _zeros(head: Part) -> dict[str, NDArray[np.float32]]:
    """What stands for a missing modality, by name; empty where the head takes no mask."""
    if all(spec.name != _MASK for spec in head.inputs):
        return {}
    return {
        spec.name: np.zeros([d for d in spec.shape if isinstance(d, int)], np.float32)
        for spec in head.inputs
        if spec.name != _MASK
    }


def load_part(
    bundle: Bundle, part: Part, edition: str, wanted: str, options: EngineOptions
) -> LoadedPart:
    """One part of an edition; ``wanted`` is what :func:`choose_edition` gave.

    Raises:
        EngineError: its engine is not installed or refuses the graph.
        BundleError: the artefact is damaged, or its graph is not what the manifest says.
    """
    variant = bundle.manifest.variant(part, edition)
    name = engine_for(variant, edition, wanted)
    options = msgspec.structs.replace(
        options,
        shapes=variant.shapes,
        precision=variant.precision,
        outputs=tuple(spec.name for spec in part.outputs),
    )
    graph = load_engine(name).load(bundle.read(variant.file), options)
    if not (_fit(graph.inputs, part.inputs) and _fit(graph.outputs, part.outputs)):
        raise BundleError(
            f"The graph {variant.file} in {bundle.path} has other inputs or outputs "
            "than the manifest says."
        )
    return LoadedPart(part, variant, name, graph)


def _fit(found: tuple[TensorSpec, ...], said: tuple[TensorSpec, ...]) -> bool:
    """Whether names, types and lengths agree; an axis of any length agrees with all of them."""
    named = {spec.name: spec for spec in found}
    return named.keys() == {spec.name for spec in said} and all(
        (named[s.name].dtype, len(named[s.name].shape)) == (s.dtype, len(s.shape))
        and all(
            a == b or isinstance(a, str) or isinstance(b, str)
            for a, b in zip(named[s.name].shape, s.shape, strict=True)
        )
        for s in said
    )

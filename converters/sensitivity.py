"""Which layer of a model costs what in int8: signal-to-noise, and accuracy where it matters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
from numpy.typing import NDArray
from torch import nn

from edge_sdk.errors import UsageError
from edge_sdk.frontends import Frontends
from edge_sdk.samples import Sample
from edge_sdk.targets import Precision, TargetProfile, load_target

from .backends.protocol import PartWork, Runner
from .cache import StageCache, default_cache
from .data import Split, split_data
from .feeds import Wiring, wired_features, wiring_of
from .gate import Gate
from .progress import Progress, silent
from .quantisation.layers import quantisable_layers
from .quantisation.mixed import Kept, keep_by_noise
from .quantisation.noise import PartNoise, int8_form, part_noise
from .quantisation.plan import QuantisationPlan
from .reference import Reference
from .source import Source
from .sources import Origin, as_origin, read_source
from .works import Works, export_parts

# Inputs of a part that its layers are compared on.
_INPUTS = 12
# Layers of a part whose accuracy is worth measuring: the rest costs less than these.
_WORST = 4


class _Data(msgspec.Struct, frozen=True, kw_only=True):
    pass


class LayerCost(_Data, frozen=True, kw_only=True):
    """What a layer costs in int8.

    Attributes:
        name: the layer, as the model's own code calls it.
        operators: what of it is quantised.
        weights: how many of its weights become int8.
        macs: multiply-accumulates on one sample.
        snr_db: of the part's output with this layer alone in int8.
        noise_share: of the part's rounding noise, from 0 to 1.
        own_db: of the layer's own output where the whole part is int8.
        drops: points lost by head with this layer alone in int8; None where not measured.
    """

    name: str
    operators: tuple[str, ...]
    weights: int
    macs: int
    snr_db: float
    noise_share: float
    own_db: float
    drops: dict[str, float] | None = None


class PartCost(_Data, frozen=True, kw_only=True):
    """What a part costs in int8: ``snr_db`` of its output, and its layers, the costliest first.

    ``drops`` are points lost by head with this part alone in int8; None where not measured.
    ``keep`` is what ``int8-mixed`` keeps in floating point.
    """

    name: str
    snr_db: float
    layers: tuple[LayerCost, ...]
    keep: tuple[Kept, ...]
    drops: dict[str, float] | None = None


class Sensitivity(_Data, frozen=True, kw_only=True):
    """The result of :func:`sensitivity`.

    Attributes:
        name: the model.
        target: whose int8 scheme it is about.
        samples: how many samples the accuracy was measured on; 0 if it was not.
        parts: the costliest first.
    """

    name: str
    target: str
    samples: int
    parts: tuple[PartCost, ...]


def sensitivity(
    checkpoint: str | Path | nn.Module | Origin,
    *,
    data: str | Path,
    evaluation: str | Path | None = None,
    target: str | TargetProfile = "local",
    parts: Sequence[str] = (),
    accuracy: bool = False,
    plan: QuantisationPlan | None = None,
    spec: str | Path | None = None,
    cache: str | Path | None = "default",
    progress: Progress = silent,
) -> Sensitivity:
    """Measure what each layer and each part of a model costs in int8.

    Layers are quantised one at a time in reference graphs: a property of the model and the int8
    scheme, not of this machine.

    Args:
        checkpoint: as :func:`.pipeline.convert` takes it.
        data: a sample set to calibrate with.
        evaluation: a held-out set for the accuracy; else a share of ``data``.
        target: a profile, its name, or the path of a ``.toml`` file.
        parts: only these; all if empty.
        accuracy: also measure what each part and the worst layers of each lose.
        plan: how int8 forms are made.
        spec: the ``model.toml`` of a model of your own.
        cache: where results of stages are kept (None: nowhere).
        progress: called as stages go on.

    Raises:
        UsageError: unknown target or part.
        CheckpointError: the checkpoint is damaged, unsafe or inconsistent.
        DataError: too few samples, a malformed set, or an unknown label.
        ExportError: a part cannot be exported.
    """
    profile = target if isinstance(target, TargetProfile) else load_target(target)
    source = read_source(as_origin(checkpoint, spec))
    split = split_data(data, evaluation, Frontends(source.frontends).modalities)
    names = [spec.name for spec in source.parts]
    for name in parts:
        if name not in names:
            raise UsageError(f"The model has no part {name!r}; it has: {', '.join(names)}.")
    kept = default_cache() if cache == "default" else Path(cache) if cache is not None else None
    study = _Study(source, split, profile, plan or QuantisationPlan(), StageCache(kept), progress)
    return study.run([name for name in names if not parts or name in parts], accuracy)


class _Study:
    """One run: the parts' works, and what runs them in fp32."""

    def __init__(
        self,
        source: Source,
        split: Split,
        profile: TargetProfile,
        plan: QuantisationPlan,
        store: StageCache,
        progress: Progress,
    ) -> None:
        self._source, self._split, self._target = source, split, profile.name
        self._progress = progress
        graphs = export_parts(source, store, progress)
        self._base: dict[str, Runner] = {name: Reference(g) for name, g in graphs.items()}
        self._frontends = Frontends(source.frontends)
        self._wiring: Wiring = wiring_of(self._frontends.modalities, graphs, source.parts)
        works = Works(source, graphs, self._base, self._wiring, split.calibration, store, progress)
        self._works = {s.name: works.make(s, profile, plan) for s in source.parts}

    def run(self, names: Sequence[str], accuracy: bool) -> Sensitivity:
        noises = {name: self._noise(self._works[name]) for name in names}
        gate = self._gate(noises) if accuracy else None
        found = [self._part(name, noise, gate) for name, noise in noises.items()]
        found.sort(key=lambda part: (part.snr_db, part.name))
        return Sensitivity(
            name=self._source.name,
            target=self._target,
            samples=gate.samples if gate else 0,
            parts=tuple(found),
        )

    def _noise(self, part: PartWork) -> PartNoise:
        feeds = []
        for feed in part.feeds():
            feeds.append(feed)
            if len(feeds) == _INPUTS:
                break
        return part_noise(
            part.graph,
            part.calibration(),
            part.scheme,
            part.plan,
            feeds,
            lambda done, total: self._progress(f"layers of {part.name}", done, total),
        )

    def _part(self, name: str, noise: PartNoise, gate: Gate | None) -> PartCost:
        total = sum(x.noise for x in noise.layers) or 1.0
        worst = {x.layer.name for x in noise.layers[:_WORST]}
        return PartCost(
            name=name,
            snr_db=noise.snr_db,
            keep=keep_by_noise(noise),
            drops=gate.drops({name: "int8"}) if gate else None,
            layers=tuple(
                LayerCost(
                    name=x.layer.name,
                    operators=x.layer.operators,
                    weights=x.layer.weights,
                    macs=x.layer.macs,
                    snr_db=x.snr_db,
                    noise_share=x.noise / total,
                    own_db=x.own_db,
                    drops=gate.drops({name: _kind(x.layer.name)})
                    if gate and x.layer.name in worst
                    else None,
                )
                for x in noise.layers
            ),
        )

    def _gate(self, noises: dict[str, PartNoise]) -> Gate:
        """A gate whose candidates are each part in int8, and each with one layer in int8."""
        candidates: dict[str, dict[Precision, Runner]] = {}
        for name, noise in noises.items():
            part = self._works[name]
            seen = part.calibration()
            everything = {x.name for x in quantisable_layers(part.graph, seen)}
            keeps: dict[Precision, set[str]] = {"int8": set(part.plan.keep)}
            for x in noise.layers[:_WORST]:
                keeps[_kind(x.layer.name)] = everything - {x.layer.name}
            candidates[name] = {
                kind: Reference(int8_form(part.graph, seen, part.scheme, part.plan, keep))
                for kind, keep in keeps.items()
            }
        gate = Gate(self._base, candidates, self._wiring, self._source.heads)
        gate.observe(self._samples())
        return gate

    def _samples(self) -> Iterator[tuple[Sample, dict[str, NDArray[Any]]]]:
        samples, wiring = self._split.evaluation, self._wiring
        for done, sample in enumerate(samples):
            self._progress("evaluate", done, len(samples))
            if wiring.takes(sample.modalities):
                features = wired_features(
                    wiring, self._frontends, samples, sample, wiring.modalities
                )
                yield sample, features
        self._progress("evaluate", len(samples), len(samples))


def _kind(layer: str) -> Any:
    """The name of the candidate with this layer alone in int8: the gate asks for no precision."""
    return f"int8 of {layer}"

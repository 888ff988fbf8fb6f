"""What can be pruned in a model, found by running it once with labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from .model import Parts, module_of
from .rules import RULES
from .trace import Axis, Trace, Work, weights_of
from .units import NOTHING, Labels

Keep = Mapping[str, NDArray[np.int64]]


class Group(msgspec.Struct, frozen=True, eq=False):
    """Channels of one kind; each can be removed by itself.

    Attributes:
        name: the layer that makes them.
        part: the part of that layer.
        roots: the class of each channel.
        axes: the weights' axes that they are on.
    """

    name: str
    part: str
    roots: Labels
    axes: tuple[tuple[str, int], ...]

    @property
    def width(self) -> int:
        """How many channels there are."""
        return len(self.roots)


class Frozen(msgspec.Struct, frozen=True):
    """A width that has to stay, and why."""

    part: str
    name: str
    width: int
    why: str


class Analysis(msgspec.Struct, frozen=True, eq=False):
    """What hangs together in a model.

    Attributes:
        groups: what may be pruned.
        frozen: what may not.
        axes: for each axis of each weight, by name, the class of each index.
        work: (weight, positions) by part: what is multiplied how often.
        products: multiply-accumulates between activations, by part.
        inputs: for each part and input, the classes along its last axis.
        norms: for each part the labels of the norms over channels, in the order they run.
    """

    groups: tuple[Group, ...]
    frozen: tuple[Frozen, ...]
    axes: dict[tuple[str, int], Labels]
    work: dict[str, list[tuple[str, int]]]
    products: dict[str, int]
    inputs: dict[tuple[str, int], Labels]
    norms: dict[str, list[Labels]]


def analyse(parts: Parts, *, keep_embeddings: bool = True, keep: Sequence[str] = ()) -> Analysis:
    """Run every part on its example and find the channels that can go.

    Args:
        keep_embeddings: what encoders give stays as wide as it is.
        keep: patterns of the names of layers to leave alone.
    """
    holder = parts.holder
    weights = {name[1:]: tensor for name, tensor in weights_of([("", holder)]).items()}
    own = {id(tensor): name for name, tensor in weights_of([("", parts.whole)]).items()}
    shown = {id(t): own.get(id(t), f".{name}")[1:] for name, t in weights.items()}
    trace = Trace(RULES, weights)
    work: dict[str, list[Work]] = {}
    products: dict[str, int] = {}
    norms: dict[str, list[Labels]] = {}
    made: dict[str, Labels] = {}
    entered: dict[tuple[str, int], Labels] = {}
    for spec in parts.specs:
        example = tuple(x.clone() for x in spec.example)
        for i, (name, value) in enumerate(zip(spec.inputs, example, strict=True)):
            if spec is parts.head and name in made and made[name].shape == tuple(value.shape):
                trace.label(value, made[name])
                entered[spec.name, i] = made[name]
        seen, products_before, norms_before = len(trace.work), trace.products, len(trace.norms)
        trace.part = spec.name
        results = _run(trace, module_of(spec), example)
        work[spec.name] = trace.work[seen:]
        products[spec.name] = trace.products - products_before
        norms[spec.name] = trace.norms[norms_before:]
        for result in results:
            trace.used(result)
            labels = trace.labels(result)
            if spec is parts.head:
                trace.units.freeze(labels, "is what the model answers")
            elif keep_embeddings:
                trace.units.freeze(labels, "is the part's embedding, whose width is kept")
            made[spec.name] = labels
    trace.finish()
    for key, labels in trace.axes.items():
        weight = shown[key.tensor]
        names = (weight, weight.rpartition(".")[0])
        if any(fnmatchcase(name, pattern) for name in names for pattern in keep):
            trace.units.freeze(labels, "is kept as asked")
    groups, frozen = _groups(trace, shown)
    roots = trace.units.roots
    return Analysis(
        groups=groups,
        frozen=frozen,
        axes={(trace.names[k.tensor], k.axis): roots(v) for k, v in trace.axes.items()},
        work={p: [(trace.names[w.weight], w.positions) for w in ws] for p, ws in work.items()},
        products=products,
        inputs={key: roots(labels) for key, labels in entered.items()},
        norms={part: [roots(labels) for labels in found] for part, found in norms.items()},
    )


def macs_of(analysis: Analysis, shapes: Mapping[str, Sequence[int]]) -> dict[str, int]:
    """Multiply-accumulates of each part on its example, with weights of these shapes."""
    return {
        part: analysis.products[part]
        + sum(int(np.prod(shapes[name])) * positions for name, positions in found)
        for part, found in analysis.work.items()
    }


def _run(trace: Trace, module: nn.Module, example: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    training = module.training
    module.eval()
    with torch.no_grad(), trace:
        results = module(*example)
    module.train(training)
    return results if isinstance(results, tuple) else (results,)


def _groups(trace: Trace, shown: Mapping[int, str]) -> tuple[tuple[Group, ...], tuple[Frozen, ...]]:
    """Classes on the same axes are one group; the layer that is first in the model names it."""
    order = {number: n for n, number in enumerate(shown)}
    on: dict[int, list[Axis]] = {}
    for key, labels in trace.axes.items():
        for root in np.unique(trace.units.roots(labels)):
            if root != NOTHING:
                on.setdefault(int(root), []).append(key)
    together: dict[tuple[tuple[Axis, ...], str | None], list[int]] = {}
    for root, keys in on.items():
        if any(key in trace.producers for key in keys):
            together.setdefault((tuple(keys), trace.units.why(root)), []).append(root)
    groups, frozen = [], []
    for (members, why), roots in together.items():
        maker = min((k for k in members if k in trace.producers), key=lambda k: order[k.tensor])
        part, weight = trace.homes[maker], shown[maker.tensor]
        name = weight.rpartition(".")[0] or weight
        if why is not None:
            frozen.append(Frozen(part, name, len(roots), why))
        elif len(roots) > 1:
            axes = tuple((trace.names[k.tensor], k.axis) for k in members)
            groups.append(Group(name, part, np.array(sorted(roots)), axes))
    return tuple(groups), tuple(frozen)

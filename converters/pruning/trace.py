"""Running a module while every tensor carries labels that say which unit each element is of.

Labels have the shape of their tensor. Operators that only move elements are run on the labels
themselves; the others have a rule each (:mod:`.rules`). Nothing is compiled or traced ahead, so
any Python code of the user's will do. A tensor's labels vary along one axis at most: what is
removed is then a slice of the tensor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from .units import NOTHING, Labels, Units


class Call(NamedTuple):
    """One call of a torch function, with its result."""

    name: str
    function: Callable[..., Any]
    args: Sequence[Any]
    kwargs: Mapping[str, Any]
    result: Any

    def get(self, place: int, name: str, default: Any = None) -> Any:
        """An argument by position or by name."""
        if name in self.kwargs:
            return self.kwargs[name]
        return self.args[place] if place < len(self.args) else default

    @property
    def tensors(self) -> list[Tensor]:
        """All tensors among the arguments, in lists too."""
        return list(_tensors((*self.args, *self.kwargs.values())))


class Work(NamedTuple):
    """A weight and at how many positions each of its values is multiplied."""

    weight: int
    positions: int


class Axis(NamedTuple):
    """One axis of one parameter or buffer, by the tensor's ``id``."""

    tensor: int
    axis: int


Rule = Callable[["Trace", Call], None]


class Trace(TorchFunctionMode):
    """Collects, over the runs inside its ``with`` block, what hangs together.

    Attributes:
        units: the classes.
        axes: the units along the axes of parameters and buffers.
        homes: for each of these axes the part in which it was first met.
        producers: axes along which a layer makes its channels.
        work: what is multiplied how often, in the order of the calls.
        products: multiply-accumulates between activations.
        norms: for each call of a norm over channels, in order, the labels of its channels.
    """

    def __init__(self, rules: Mapping[str, Rule], weights: Mapping[str, Tensor]) -> None:
        super().__init__()
        self._rules = rules
        self.units = Units()
        self.names = {id(tensor): name for name, tensor in weights.items()}
        self._weights = {id(tensor): tensor for tensor in weights.values()}
        self.axes: dict[Axis, Labels] = {}
        #: The name of the part that runs.
        self.part = ""
        self.homes: dict[Axis, str] = {}
        self.producers: set[Axis] = set()
        self.work: list[Work] = []
        self.products = 0
        self.norms: list[Labels] = []
        self._elements: dict[int, Labels] = {}
        self._labels: dict[int, Labels] = {}
        self._bound: dict[int, list[tuple[Labels, str]]] = {}
        # Ids are only good while their tensors live.
        self._alive: list[Tensor] = []

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Run ``func``, then carry the labels over to what it gives."""
        given = kwargs or {}
        result = func(*args, **given)
        made = list(_tensors((result,)))
        if made:
            self._alive += made
            name = _name(func)
            call = Call(name, func, args, given, result)
            for tensor in call.tensors:
                self.used(tensor)
            labelled = any(self.known(tensor) for tensor in call.tensors)
            if labelled or any(id(t) in self._weights for t in call.tensors):
                self._rules.get(name, give_up)(self, call)
        return result

    def known(self, tensor: Tensor) -> bool:
        """Whether the tensor has labels other than nothing."""
        return id(tensor) in self._labels

    def weight(self, tensor: Any) -> bool:
        """Whether it is a parameter or buffer of the model itself."""
        return isinstance(tensor, Tensor) and id(tensor) in self._weights

    def labels(self, tensor: Tensor) -> Labels:
        """The labels of a tensor; a weight's elements are units of their own when first met."""
        found = self._labels.get(id(tensor))
        if found is None and id(tensor) in self._weights and tensor.is_floating_point():
            if tensor.numel() == 1:
                return np.zeros(tuple(tensor.shape), np.int64)
            found = self._elements.get(id(tensor))
            if found is None:
                found = self.units.fresh(tensor.numel()).reshape(tuple(tensor.shape))
                self._elements[id(tensor)] = found
        if found is None:
            return np.zeros(tuple(tensor.shape), np.int64)
        return self.units.live(found)

    def label(self, tensor: Tensor, labels: Labels) -> None:
        """Say what a tensor's labels are."""
        assert labels.shape == tuple(tensor.shape), (labels.shape, tensor.shape)
        self._alive.append(tensor)
        if labels.any():
            self._labels[id(tensor)] = labels
        else:
            self._labels.pop(id(tensor), None)

    def bind(self, tensor: Tensor, labels: Labels, why: str) -> None:
        """Freeze ``labels`` once ``tensor`` is used."""
        self._alive.append(tensor)
        self._bound.setdefault(id(tensor), []).append((labels, why))

    def used(self, tensor: Tensor) -> None:
        """Say that a tensor's values matter."""
        for labels, why in self._bound.pop(id(tensor), ()):
            self.units.freeze(labels, why)

    def axis(self, weight: Tensor, axis: int, *, produces: bool = False) -> Labels:
        """The units along one axis of a weight."""
        key = Axis(id(weight), axis)
        if key not in self.axes:
            self.axes[key] = self.units.fresh(weight.shape[axis])
            self.homes[key] = self.part
        if produces:
            self.producers.add(key)
        return self.axes[key]

    def varying(self, labels: Labels) -> list[int]:
        """The axes along which labels differ."""
        roots = self.units.roots(labels)
        return [
            k
            for k in range(roots.ndim)
            if roots.shape[k] > 1 and (roots != np.take(roots, [0], k)).any()
        ]

    def channels(self, labels: Labels, axis: int, why: str) -> Labels:
        """The labels along ``axis``; where they vary along another one, they are frozen."""
        axis %= labels.ndim
        if any(k != axis for k in self.varying(labels)):
            self.units.freeze(labels, why)
            return np.zeros(labels.shape[axis], np.int64)
        place: list[Any] = [0] * labels.ndim
        place[axis] = slice(None)
        found: Labels = labels[tuple(place)]
        return found

    def settle(self, labels: Labels, why: str, prefer: int | None = None) -> Labels:
        """Let labels vary along one axis only: ``prefer``, or the last of those they vary along."""
        axes = self.varying(labels)
        if len(axes) > 1:
            kept = prefer if prefer in axes else axes[-1]
            for k in axes:
                if k != kept:
                    first = np.broadcast_to(np.take(labels, [0], k), labels.shape)
                    self.units.join(labels, first, why)
        return labels

    def finish(self) -> None:
        """Bring the labels of weights used element by element onto the weights' axes."""
        sizes = self.units.sizes()
        for number, elements in self._elements.items():
            roots = self.units.roots(elements)
            touched = sizes[roots] > 1
            name = self.names[number]
            if any(key.tensor == number for key in self.axes):
                self._freeze_weight(number, elements, f"{name} is used in two ways")
                continue
            axis = _axis_of(roots, touched)
            if axis is None:
                self.units.freeze(roots[touched], f"{name} is used in a way not understood")
                continue
            vector = np.where(touched, roots, NOTHING).max(
                axis=tuple(k for k in range(roots.ndim) if k != axis)
            )
            self.axes[Axis(number, axis)] = vector

    def _freeze_weight(self, number: int, elements: Labels, why: str) -> None:
        self.units.freeze(elements, why)
        for key, labels in self.axes.items():
            if key.tensor == number:
                self.units.freeze(labels, why)


def give_up(trace: Trace, call: Call) -> None:
    """An operator without a rule: what goes into it stays as it is."""
    for tensor in call.tensors:
        trace.units.freeze(
            trace.labels(tensor), f"goes through {call.name}, which is not understood"
        )


def weights_of(modules: Iterable[tuple[str, nn.Module]]) -> dict[str, Tensor]:
    """Parameters and buffers by name; a shared one under its first name."""
    found: dict[str, Tensor] = {}
    seen: set[int] = set()
    for prefix, module in modules:
        named = [*module.named_parameters(), *module.named_buffers()]
        for name, tensor in named:
            if id(tensor) not in seen:
                seen.add(id(tensor))
                found[f"{prefix}.{name}"] = tensor
    return found


def _axis_of(roots: Labels, touched: np.ndarray[Any, np.dtype[np.bool_]]) -> int | None:
    """The axis whose index alone decides the class of every touched element."""
    for axis in reversed(range(roots.ndim)):
        rest = tuple(k for k in range(roots.ndim) if k != axis)
        high = np.where(touched, roots, NOTHING).max(axis=rest, keepdims=True)
        if (~touched | (roots == high)).all():
            return axis
    return None


def _tensors(values: Iterable[Any]) -> Iterable[Tensor]:
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, (tuple, list)):
            yield from _tensors(value)


_WORDS = {
    "iadd": "add", "radd": "add", "isub": "sub", "rsub": "sub", "imul": "mul", "rmul": "mul",
    "itruediv": "div", "rtruediv": "div", "truediv": "div", "rdiv": "div", "rpow": "pow",
    "floordiv": "div", "ipow": "pow", "rmatmul": "matmul",
}  # fmt: skip


def _name(function: Callable[..., Any]) -> str:
    """``add`` for ``torch.add``, ``Tensor.add_``, ``Tensor.__iadd__`` and ``aten.add.Tensor``."""
    name = getattr(function, "__name__", str(function)).split(".")[0]
    if name in ("__get__", "__set__"):
        return f"attribute {getattr(function.__self__, '__name__', '')}"  # type: ignore[attr-defined]
    if name.startswith("__") and name.endswith("__"):
        plain = name.strip("_")
        return _WORDS.get(plain, plain)
    return _WORDS.get(name.rstrip("_"), name.rstrip("_"))


def as_labels(tensor: Tensor) -> Labels:
    """Labels out of a tensor of them."""
    return tensor.detach().to(torch.int64).numpy()

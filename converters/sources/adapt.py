"""The steps of :class:`~edge_sdk.converters.wants.Want` as modules around the user's own."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from edge_sdk.errors import CheckpointError

from ..wants import Want

_DTYPES = {"float32": torch.float32, "int64": torch.int64, "int32": torch.int32}


class Adapt(nn.Module):
    """Features as the front-end gives them -> the argument as the model wants it."""

    table: Tensor
    before: Tensor
    after: Tensor
    filler: Tensor

    def __init__(self, want: Want) -> None:
        super().__init__()
        self.want = want
        self.register_buffer("table", torch.tensor(want.table), persistent=False)
        for name in ("before", "after"):
            ids = torch.tensor([getattr(want, name)], dtype=torch.int64)
            self.register_buffer(name, ids, persistent=False)
        rest = [1 if size is None else size for size in want.shape[2:]]
        dtype = torch.int64 if want.modality == "text" else torch.float32
        filler = torch.full((1, want.length or 0, *rest), want.pad, dtype=dtype)
        self.register_buffer("filler", filler, persistent=False)

    def forward(self, x: Tensor, count: Tensor | None = None) -> Tensor:
        """Float32 features or int64 token ids of the front-end's shape -> the argument.

        With ``count`` (int32 ``[1]``) only so many of the frames or tokens are there, and the
        rest of ``x`` is padding: it is left out. That needs a fixed length.
        """
        want = self.want
        if want.table:
            x = self.table[x]
        if count is not None:
            x = self._aligned(x, count)
        else:
            if want.before or want.after:
                x = torch.cat([self.before, x, self.after], 1)
            if want.length is not None:
                if want.keep == "first":
                    x = torch.cat([x, self.filler], 1)[:, : want.length]
                else:
                    x = torch.cat([self.filler, x], 1)[:, -want.length :]
        for axis in reversed(want.dropped):
            x = x.squeeze(axis)
        if want.order != tuple(range(len(want.order))):
            x = x.permute(want.order)
        for axis in want.ones:
            x = x.unsqueeze(axis)
        return x.to(_DTYPES[want.dtype])

    def _aligned(self, x: Tensor, count: Tensor) -> Tensor:
        """What stands before, ``count`` steps of ``x``, what stands behind, and the filler: picked
        step by step, since no cut in a graph of fixed shapes may depend on a value."""
        want = self.want
        assert want.length is not None
        source = x
        if want.before or want.after:
            source = torch.cat([self.before, x, self.after], 1)
        source = torch.cat([source, self.filler[:, :1]], 1)
        behind = len(want.before) + count
        end = behind + len(want.after)
        steps = torch.arange(want.length, dtype=torch.int32)
        if want.keep == "last":
            steps = steps - want.length + end
        place = torch.where(steps < behind, steps, steps - count + x.shape[1])
        there = (steps >= 0) & (steps < end)
        return source.index_select(1, torch.where(there, place, source.shape[1] - 1))


class Encoder(nn.Module):
    """One input through its steps and an encoder of the user's: features -> embedding."""

    def __init__(self, want: Want, inner: nn.Module, key: str | None) -> None:
        super().__init__()
        self.adapt, self.inner, self.key = Adapt(want), inner, key

    def forward(self, features: Tensor) -> Tensor:
        """Features -> embedding float32 ``[1, embedding]``."""
        return entry(self.inner(self.adapt(features)), self.key, 0)

    def padded(self) -> nn.Module | None:
        """See :class:`~edge_sdk.converters.export.tflite_padding.TakesPadding`."""
        return None if self.adapt.want.length is None else PaddedEncoder(self)


class EncoderStep(nn.Module):
    """One step of the user's: features and states -> the embedding and the new states."""

    def __init__(self, want: Want, inner: nn.Module, key: str | None) -> None:
        super().__init__()
        self.adapt, self.inner, self.key = Adapt(want), inner, key

    def forward(self, features: Tensor, *states: Tensor) -> tuple[Tensor, ...]:
        """As the user's, behind the steps of the input.

        Raises:
            CheckpointError: it gives other than the embedding and as many states as it took.
        """
        result = self.inner(self.adapt(features), *states)
        count = len(states)
        if not isinstance(result, (tuple, list)) or len(result) != 1 + count:
            raise CheckpointError(
                f"At parts.streaming: a step must give the embedding and its {count} states, "
                "beside each other."
            )
        embedding, *new = result
        return (entry(embedding, self.key, 0), *new)


class Answering(nn.Module):
    """The user's model, or its head: one argument an input -> a tuple of outputs.

    Args:
        inner: the user's module.
        wants: for each argument its steps; None where it is an embedding.
        keys: which entries of the result are the outputs; None takes them in order.
        names: the arguments' names; they are given by name where ``inner`` has them all.
        mask: for each input its column of the mask, which is then the last argument.
    """

    columns: Tensor

    def __init__(
        self,
        inner: nn.Module,
        wants: Sequence[Want | None],
        keys: Sequence[str | None],
        names: Sequence[str] = (),
        mask: Sequence[int] = (),
    ) -> None:
        super().__init__()
        self.inner = inner
        self.adapts = nn.ModuleList(nn.Identity() if w is None else Adapt(w) for w in wants)
        self.keys = tuple(keys)
        self.names = tuple(names) if names and takes_names(inner, names) else ()
        self.register_buffer("columns", torch.tensor(mask, dtype=torch.int64), persistent=False)

    def forward(self, *given: Tensor) -> tuple[Tensor, ...]:
        """Features or embeddings, and the mask if the head takes it -> the outputs."""
        return self.answer([adapt(x) for adapt, x in zip(self.adapts, given, strict=False)], given)

    def padded(self) -> nn.Module | None:
        """See :class:`~edge_sdk.converters.export.tflite_padding.TakesPadding`."""
        moving = [a.want for a in self._moving()]
        return None if any(want.length is None for want in moving) else PaddedAnswering(self)

    def _moving(self) -> list[Adapt]:
        return [a for a in self.adapts if isinstance(a, Adapt) and a.want.moving]

    def answer(self, arguments: list[Tensor], given: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """The outputs for arguments that are ready; ``given`` ends in the mask, if there is one."""
        if len(self.columns):
            arguments.append(given[-1][:, self.columns])
        if self.names:
            result = self.inner(**dict(zip(self.names, arguments, strict=True)))
        else:
            result = self.inner(*arguments)
        return tuple(entry(result, key, i) for i, key in enumerate(self.keys))


class PaddedEncoder(nn.Module):
    """An encoder on padded features, and how many of their steps are there."""

    def __init__(self, whole: Encoder) -> None:
        super().__init__()
        self.whole = whole

    def forward(self, features: Tensor, count: Tensor) -> Tensor:
        """Padded features and int32 ``[1]`` -> embedding float32 ``[1, embedding]``."""
        whole = self.whole
        return entry(whole.inner(whole.adapt(features, count)), whole.key, 0)


class PaddedAnswering(nn.Module):
    """A model or head whose inputs of any length are padded; their counts come last."""

    def __init__(self, whole: Answering) -> None:
        super().__init__()
        self.whole = whole

    def forward(self, *given: Tensor) -> tuple[Tensor, ...]:
        """What :class:`Answering` takes, then int32 ``[1]`` for each padded input."""
        whole = self.whole
        moving = [isinstance(a, Adapt) and a.want.moving for a in whole.adapts]
        split = len(given) - sum(moving)
        counts = iter(given[split:])
        arguments = [
            adapt(x, next(counts)) if moves else adapt(x)
            for adapt, x, moves in zip(whole.adapts, given, moving, strict=False)
        ]
        return whole.answer(arguments, given[:split])


class Method(nn.Module):
    """A method of the user's module as a module of its own."""

    def __init__(self, owner: nn.Module, name: str) -> None:
        super().__init__()
        self.owner, self.name = owner, name

    def forward(self, *given: Tensor) -> Any:
        """What the method gives."""
        return getattr(self.owner, self.name)(*given)


def takes_names(inner: nn.Module, names: Sequence[str]) -> bool:
    """Whether every one of ``names`` is a parameter of the module's ``forward``."""
    try:
        known = inspect.signature(inner.forward).parameters
    except (TypeError, ValueError):
        return False
    return all(name in known for name in names)


def entry(result: Any, key: str | None, number: int) -> Tensor:
    """One tensor of what a module gave: by key, by number, or the only one.

    Raises:
        CheckpointError: there is no such entry, or it is no tensor.
    """
    if isinstance(result, Mapping):
        found = result.get(key) if key is not None else None
        if found is None:
            raise CheckpointError(
                f"The model gives a dictionary with {', '.join(map(str, result))}; "
                f"{f'there is no {key!r}' if key else 'say which with key'}."
            )
    elif isinstance(result, (tuple, list)):
        if number >= len(result):
            raise CheckpointError(f"The model gives {len(result)} results; output {number} lacks.")
        found = result[number]
    elif number:
        raise CheckpointError("The model gives one result; the spec names more outputs.")
    else:
        found = result
    if not isinstance(found, Tensor):
        raise CheckpointError(
            f"The model gives {type(found).__name__} where a tensor is wanted; "
            "say which entry with key."
        )
    return found

"""A graph that carries its past: how it is stepped, the same on the build host and the device."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from .manifest import Streaming

Arrays = dict[str, NDArray[Any]]
Run = Callable[[Arrays], Mapping[str, NDArray[Any]]]


class Steps(Protocol):
    """One stream through a graph that carries its past; ``frames`` is its shortest step."""

    frames: int

    def step(self, features: NDArray[np.float32]) -> NDArray[Any]:
        """Features of whole steps, float32 ``[1, k * frames, bands]`` -> the embedding as of now.

        float32 ``[1, embedding]``, as if all since :meth:`reset` had been one sequence.
        """
        ...

    def reset(self) -> None:
        """Begin a new stream."""
        ...


class Stepper:
    """The states of one stream, and the steps that move them on: see :class:`Steps`.

    Args:
        run: runs the graph: inputs by name to outputs by name.
        streaming: what the manifest says of it.
        given: the name of the input for the features.
        made: the name of the output for the embedding.
    """

    def __init__(
        self,
        run: Run,
        streaming: Streaming,
        given: str = "features",
        made: str = "embedding",
    ) -> None:
        self._run, self._given, self._made = run, given, made
        self.frames, self._multiples = streaming.frames, streaming.multiples
        self._names = [(state.input, state.output) for state in streaming.states]
        self._zeros: Arrays = {
            state.input: np.zeros(state.shape, state.dtype) for state in streaming.states
        }
        self._states = self._zeros

    def step(self, features: NDArray[np.float32]) -> NDArray[Any]:
        if self._multiples:
            return self._once(features)
        for first in range(0, features.shape[1], self.frames):
            embedding = self._once(features[:, first : first + self.frames])
        return embedding

    def reset(self) -> None:
        self._states = self._zeros

    def _once(self, features: NDArray[np.float32]) -> NDArray[Any]:
        out = self._run({self._given: features, **self._states})
        # New arrays from the engine each time: nothing is copied, nothing is written to.
        self._states = {given: out[made] for given, made in self._names}
        return out[self._made]


def prefixes(frames: int, step: int) -> Iterator[tuple[int, int]]:
    """Where a sequence of ``frames`` is looked at: after 1, 2, 4, 8... steps, and the last.

    Gives (from, to) in frames, one behind the other.
    """
    total, done, wanted = frames // step, 0, 1
    while done < total:
        upto = min(wanted, total)
        yield done * step, upto * step
        done, wanted = upto, wanted * 2


def embeddings_along(stepper: Steps, features: NDArray[np.float32]) -> NDArray[Any]:
    """Features ``[1, frames, bands]`` -> the embeddings at :func:`prefixes`, ``[k, embedding]``.

    Between two of them every step is taken alone, as a device does.
    """
    stepper.reset()
    rows = []
    for first, last in prefixes(features.shape[1], stepper.frames):
        for at in range(first, last, stepper.frames):
            embedding = stepper.step(features[:, at : at + stepper.frames])
        rows.append(embedding[0])
    return np.stack(rows) if rows else np.zeros((0, 0), np.float32)

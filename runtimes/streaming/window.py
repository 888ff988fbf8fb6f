"""How far back an embedding along a stream reaches, and what it costs to reach there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from edge_sdk.bundle.streaming import Steps

Run = Callable[[dict[str, NDArray[Any]]], Mapping[str, NDArray[Any]]]


class Along(Protocol):
    """Embeddings along a stream of whole hops."""

    #: How many frames the last embedding covers.
    frames: int

    def push(self, features: NDArray[np.float32]) -> NDArray[Any]:
        """Whole hops, float32 ``[1, k * hop, bands]`` -> the newest embedding."""
        ...

    def reset(self) -> None:
        """Begin anew."""
        ...


class SinceReset:
    """All since the reset."""

    def __init__(self, stepper: Steps) -> None:
        self._stepper = stepper
        self.frames = 0

    def push(self, features: NDArray[np.float32]) -> NDArray[Any]:
        self.frames += features.shape[1]
        return self._stepper.step(features)

    def reset(self) -> None:
        self.frames = 0
        self._stepper.reset()


class Staggered:
    """At most a window: several streams begun in turn, of which the oldest answers.

    A recurrent state cannot forget its beginning, so a window that slides with each hop would
    have to be encoded as a whole each time. Streams that begin every ``window / copies`` and end
    after the window cost ``copies`` steps a hop, and each embedding is exactly the encoder's of
    the piece it covers.
    """

    def __init__(self, steppers: Sequence[Steps], hop: int, window: int) -> None:
        self._all = list(steppers)
        # Streams begin on hops.
        self._apart = max(1, round(window / len(steppers) / hop)) * hop
        self.reset()

    def push(self, features: NDArray[np.float32]) -> NDArray[Any]:
        done = 0
        while done < features.shape[1]:
            piece = features[:, done : done + self._apart - self._since]
            embedding = self._one(piece)
            done += piece.shape[1]
        return embedding

    def reset(self) -> None:
        for stepper in self._all:
            stepper.reset()
        self._running, self._waiting = self._all[:1], self._all[1:]
        self._since = self._age = self.frames = 0

    def _one(self, piece: NDArray[np.float32]) -> NDArray[Any]:
        embedding, *_ = [stepper.step(piece) for stepper in self._running]
        self._since += piece.shape[1]
        self._age += piece.shape[1]
        self.frames = self._age
        if self._since == self._apart:
            self._since = 0
            if self._waiting:
                self._running.append(self._waiting.pop(0))
            else:
                oldest = self._running.pop(0)
                oldest.reset()
                self._running.append(oldest)
                # With one copy there is no second oldest: it begins anew.
                self._age = self._age - self._apart
        return embedding


class Recomputed:
    """The last frames, encoded as a whole each time."""

    def __init__(self, run: Run, given: str, made: str, window: int, bands: int) -> None:
        self._run, self._given, self._made = run, given, made
        self._window = np.zeros((1, max(1, window), bands), np.float32)
        self.frames = 0

    def push(self, features: NDArray[np.float32]) -> NDArray[Any]:
        size = self._window.shape[1]
        new = features[:, -size:]
        count = new.shape[1]
        self._window[:, : size - count] = self._window[:, count:]
        self._window[:, size - count :] = new
        self.frames = min(size, self.frames + features.shape[1])
        return self._run({self._given: self._window[:, size - self.frames :]})[self._made]

    def reset(self) -> None:
        self.frames = 0

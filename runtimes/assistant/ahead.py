"""Recognising ahead: in a pause, in the expectation that it is the end of what is said."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from time import perf_counter

import numpy as np

from ..speech import Recogniser, Transcript
from ..speech.protocol import Samples
from ..speech.segmenter import SegmenterOptions


class Ahead:
    """Runs recognisers, one utterance at a time, if need be before it is known to be whole.

    Args:
        recognisers: by name.
        options: when an utterance is over. A recogniser that takes longer than that is not begun
            ahead: where the speaker goes on after all, the next would have to wait for it.
    """

    def __init__(self, recognisers: Mapping[str, Recogniser], options: SegmenterOptions) -> None:
        self._recognisers = dict(recognisers)
        self._within = options.ahead + options.end if options.ahead < options.end else 0.0
        self._took = dict.fromkeys(recognisers, float("inf"))
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="recognise")
        self._begun: tuple[str, Samples, Future[Transcript]] | None = None

    def warm(self, name: str, samples: Samples) -> None:
        """Practise on ``samples`` ``[n]``, so that the first one asked for is quick.

        Raises:
            Exception: whatever the recogniser raises.
        """
        self.transcribe(name, samples)
        # The first time takes longer; only what may be quick enough to begin ahead is tried again.
        if self._within < self._took[name] < 3 * self._within:
            self.transcribe(name, samples)

    def expect(self, name: str, samples: Samples) -> None:
        """Begin with ``samples`` ``[n]`` on another thread, if that will be done in time."""
        if self._took.get(name, float("inf")) > self._within:
            return
        self._forget()
        future = self._worker.submit(self._transcribe, name, samples)
        self._begun = (name, samples, future)

    def transcribe(self, name: str, samples: Samples) -> Transcript:
        """The words of ``samples`` ``[n]``: those found ahead, where these were expected.

        Raises:
            Exception: whatever the recogniser raises.
        """
        begun = self._begun
        if begun is not None and begun[0] == name and np.array_equal(begun[1], samples):
            self._begun = None
            return begun[2].result()
        self._forget()
        # On the same thread: a recogniser is not asked two things at once.
        return self._worker.submit(self._transcribe, name, samples).result()

    def close(self) -> None:
        """Wait for what was begun, and release the recognisers."""
        self._worker.shutdown(cancel_futures=True)
        for recogniser in self._recognisers.values():
            recogniser.close()

    def _forget(self) -> None:
        if self._begun is not None:
            self._begun[2].cancel()
            self._begun = None

    def _transcribe(self, name: str, samples: Samples) -> Transcript:
        started = perf_counter()
        try:
            return self._recognisers[name].transcribe(samples)
        finally:
            self._took[name] = perf_counter() - started

"""Cuts utterances out of a stream by a voice detector."""

from __future__ import annotations

from collections import deque

import msgspec
import numpy as np

from edge_sdk.errors import UsageError

from .protocol import RATE, Samples, VoiceDetector


class SegmenterOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When an utterance begins and ends; all in seconds but the thresholds.

    Attributes:
        speech: probability from which a window is speech.
        silence: probability below which it is silence; what lies between continues.
        begin: speech that begins an utterance.
        end: silence that ends it.
        ahead: silence after which it is taken for over, so that recognising can begin; as much of
            the closing silence is recognised.
        lead: what is kept from before its beginning.
        longest: an utterance is cut there.
        patience: without speech for so long, nothing was said.
    """

    speech: float = 0.5
    silence: float = 0.35
    begin: float = 0.09
    end: float = 0.6
    ahead: float = 0.2
    lead: float = 0.3
    longest: float = 10.0
    patience: float = 5.0

    def __post_init__(self) -> None:
        if not 0 < self.silence <= self.speech < 1:
            raise UsageError(
                "The thresholds of the voice detector must be 0 < silence <= speech < 1; "
                f"they are {self.silence:g} and {self.speech:g}."
            )
        for name in ("begin", "end", "ahead", "lead", "longest", "patience"):
            if not getattr(self, name) >= 0:
                raise UsageError(f"{name} of the voice detector must be at least 0 seconds.")


class Utterance(msgspec.Struct, frozen=True):
    """An utterance and where it lies in what the segmenter was fed since its reset.

    Attributes:
        samples: float32 ``[n]`` at 16 kHz, lead and closing silence included.
        start: its first sample.
        speech_end: the sample after its last speech.
        end: the sample at which its end was known.
        spoken: the samples to recognise, with no more of the silence than ``ahead``.
        cut: whether it was cut at the longest length.
    """

    samples: Samples
    start: int
    speech_end: int
    end: int
    spoken: Samples
    cut: bool = False


class Silence(msgspec.Struct, frozen=True):
    """Nothing was said for as long as the segmenter is patient; ``end`` is the sample then."""

    end: int


class Segmenter:
    """Feeds windows to a voice detector until an utterance is whole."""

    def __init__(self, detector: VoiceDetector, options: SegmenterOptions | None = None) -> None:
        self._detector = detector
        self.options = options or SegmenterOptions()
        self._per_second = RATE / detector.window
        self.reset()

    @property
    def speaking(self) -> bool:
        """Whether an utterance has begun."""
        return self._started

    @property
    def speech_end(self) -> int:
        """The sample after the last speech so far."""
        return self._last_speech * self._detector.window

    def reset(self) -> None:
        """Begin anew: positions count from here."""
        self._detector.reset()
        self._rest = np.zeros(0, np.float32)
        lead = self._windows(self.options.lead) + self._windows(self.options.begin)
        self._before: deque[Samples] = deque(maxlen=max(1, lead))
        self._taken: list[Samples] = []
        self._run = self._quiet = self._seen = self._last_speech = 0
        self._started = False
        self._pausing = False

    def paused(self) -> Samples | None:
        """What will be :attr:`Utterance.spoken` if nothing more is said; once in each pause."""
        if not self._pausing:
            return None
        self._pausing = False
        return np.concatenate(self._taken)[: self._spoken()]

    def feed(self, samples: Samples) -> Utterance | Silence | None:
        """Take the next samples ``[n]``, any number; what was decided in them, if anything.

        What follows an utterance within the same samples is kept for the next call.
        """
        self._rest = np.concatenate([self._rest, samples])
        window = self._detector.window
        while len(self._rest) >= window:
            block, self._rest = self._rest[:window], self._rest[window:]
            decided = self._window(block)
            if decided is not None:
                return decided
        return None

    def flush(self) -> Utterance | None:
        """The utterance that had begun when the stream ended."""
        return self._whole(cut=False) if self._started else None

    def _window(self, block: Samples) -> Utterance | Silence | None:
        probability = self._detector.probability(block)
        self._seen += 1
        options = self.options
        speech = probability >= (options.silence if self._started else options.speech)
        if speech:
            self._run, self._quiet, self._last_speech = self._run + 1, 0, self._seen
            self._pausing = False
        else:
            self._run, self._quiet = 0, self._quiet + 1
        if not self._started:
            self._before.append(block)
            if speech and self._run >= max(1, self._windows(options.begin)):
                self._started = True
                self._taken = list(self._before)
                self._before.clear()
            elif not speech and self._quiet >= self._windows(options.patience):
                self._quiet = 0
                return Silence(self._seen * self._detector.window)
            return None
        self._taken.append(block)
        if self._quiet == max(1, self._windows(options.ahead)):
            self._pausing = True
        if self._quiet >= max(1, self._windows(options.end)):
            return self._whole(cut=False)
        if len(self._taken) >= self._windows(options.longest):
            return self._whole(cut=True)
        return None

    def _whole(self, *, cut: bool) -> Utterance:
        window = self._detector.window
        samples = np.concatenate(self._taken)
        found = Utterance(
            samples=samples,
            start=self._seen * window - len(samples),
            speech_end=self.speech_end,
            end=self._seen * window,
            spoken=samples[: self._spoken()],
            cut=cut,
        )
        self._taken, self._started, self._run, self._quiet = [], False, 0, 0
        self._pausing = False
        return found

    def _spoken(self) -> int:
        """Samples of what was taken up to a while after the last speech."""
        silent = max(0, self._quiet - max(1, self._windows(self.options.ahead)))
        return (len(self._taken) - silent) * self._detector.window

    def _windows(self, seconds: float) -> int:
        return round(seconds * self._per_second)

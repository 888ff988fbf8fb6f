"""What candidates take on this machine: interleaved rounds on real inputs, medians, noise.

A round runs every candidate of a part on every input, in an order that turns from round to
round, so that what slows the machine for a while slows all of them. The time is the thread's own
on the processor: what a candidate takes of an idle core, whatever else runs here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from statistics import median
from time import thread_time_ns

import msgspec

from edge_sdk.targets import TargetProfile

from .backends import Artefact, Runner, load_backend
from .backends.protocol import Feed
from .cache import StageCache
from .progress import Progress

# How many samples a part is timed on, and how many rounds: at least, at most, and until when.
FEEDS = 8
_FEWEST, _MOST = 5, 15
_SECONDS = 1.5
# A median absolute deviation times this is a standard deviation, for noise of the usual kind.
_SIGMA = 1.4826


class Timing(msgspec.Struct, frozen=True):
    """Milliseconds of one thread for one input: the median over rounds, and its noise.

    ``noise`` is 1.96 standard errors of the median: two times closer than that are not told
    apart.
    """

    milliseconds: float
    noise: float
    rounds: int


def total(timings: Sequence[Timing]) -> Timing:
    """Of parts that run one after the other."""
    return Timing(
        milliseconds=sum(t.milliseconds for t in timings),
        noise=sum(t.noise**2 for t in timings) ** 0.5,
        rounds=min((t.rounds for t in timings), default=0),
    )


class Stopwatch:
    """Times artefacts with their engine's own kernels; keeps what it found, by content.

    Args:
        machine: this one.
        feeds: real inputs of each part.
        feeds_key: text that names them, for the cache.
        store: where timings are kept.
        progress: called as rounds go on.
    """

    def __init__(
        self,
        machine: TargetProfile,
        feeds: Mapping[str, Sequence[Feed]],
        feeds_key: str,
        store: StageCache,
        progress: Progress,
    ) -> None:
        self._feeds, self._store, self._progress = feeds, store, progress
        self._key = f"timings {feeds_key} {machine.cpu} {machine.features}"

    def measure(self, part: str, artefacts: Mapping[str, Artefact]) -> dict[str, Timing]:
        """Times of the artefacts of one part, by their keys; all in the same rounds.

        Raises:
            ExportError: an engine refuses a graph, or fails on an input.
        """
        if not artefacts:
            return {}
        names = {key: _name(artefact) for key, artefact in artefacts.items()}
        distinct = {names[key]: artefact for key, artefact in artefacts.items()}
        everything = " ".join(sorted(distinct))
        content = self._store.get(
            f"{self._key} {part} {everything}",
            lambda: msgspec.json.encode(self._rounds(part, distinct)),
        )
        found = msgspec.json.decode(content, type=dict[str, Timing])
        return {key: found[name] for key, name in names.items()}

    def _rounds(self, part: str, artefacts: Mapping[str, Artefact]) -> dict[str, Timing]:
        runners = {
            name: load_backend(artefact.engine).runner(artefact, optimise=True)
            for name, artefact in sorted(artefacts.items())
        }
        feeds, stage = self._feeds[part], f"measure {part}"
        for runner in runners.values():  # allocations and lazy set-up are no part of an answer
            _time(runner, feeds)
        taken: dict[str, list[float]] = {name: [] for name in runners}
        names, started = list(runners), thread_time_ns()
        for done in range(_MOST):
            self._progress(stage, done, _MOST)
            turn = done % len(names)
            for name in names[turn:] + names[:turn]:
                taken[name].append(_time(runners[name], feeds))
            if done + 1 >= _FEWEST and thread_time_ns() - started > _SECONDS * 1e9:
                break
        self._progress(stage, _MOST, _MOST)
        return {name: _summary(values) for name, values in taken.items()}


def _time(runner: Runner, feeds: Sequence[Feed]) -> float:
    """Milliseconds an input, over ``feeds``."""
    started = thread_time_ns()
    for feed in feeds:
        runner.run(feed)
    return (thread_time_ns() - started) / 1e6 / len(feeds)


def _summary(values: Sequence[float]) -> Timing:
    middle = median(values)
    sigma = _SIGMA * median(abs(value - middle) for value in values)
    # The standard error of a median is 1.25 times that of a mean.
    noise = 1.96 * 1.25 * sigma / len(values) ** 0.5
    return Timing(milliseconds=middle, noise=noise, rounds=len(values))


def _name(artefact: Artefact) -> str:
    return f"{artefact.engine}-{hashlib.sha256(artefact.content).hexdigest()}"

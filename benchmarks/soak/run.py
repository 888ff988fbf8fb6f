"""Run a soak, and judge it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

import msgspec

from edge_sdk.errors import UsageError
from edge_sdk.runtimes.capture import ReplayAudio, SamplesLost
from edge_sdk.runtimes.capture.replay import ReplayVideo
from edge_sdk.runtimes.governor import LadderGovernor, default_policy
from edge_sdk.runtimes.session import FusionSession
from edge_sdk.runtimes.streaming.events import Captured, DecisionsLost, Ended
from edge_sdk.runtimes.streaming.live import LiveStream
from edge_sdk.runtimes.streaming.options import StreamOptions

from ..profile.provenance import bundle_info, device_info
from .result import Held, Losses, MemoryTrend, SoakResult
from .sources import FPS, GOLDEN, Injected, prepare
from .watch import Looks, given_back, held, more

#: Seconds of a first stream, after which is there what libraries keep for good.
_FIRST = 3.0


class SoakOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What to stream, and how long.

    Attributes:
        seconds: of sound, in real time; at least 1.
        audio: a recording; None: the bundle's golden ones.
        pictures: a folder of pictures; None: the bundle's golden ones.
        engine: the edition, as :meth:`FusionSession.open` takes it.
        threads: of the engine; None: what the target says.
        deadline: how old data may be at a decision, seconds.
    """

    seconds: float = 20.0
    audio: Path | None = None
    pictures: Path | None = None
    engine: str = "auto"
    threads: int | None = None
    deadline: float = 0.25


def soak(
    path: str | Path,
    options: SoakOptions | None = None,
    *,
    progress: Callable[[float], None] = lambda seconds: None,
) -> SoakResult:
    """Stream from a bundle in real time, with its governor, and watch the process meanwhile.

    Sound and pictures are injected by replay: the way through front-end, rings, encoders, head and
    governor is that of devices; the devices' drivers are not in it.

    Args:
        path: a bundle folder or ``.edge`` file.
        options: see there.
        progress: told the seconds that are behind.

    Raises:
        UsageError: it is to be shorter than a second.
        BundleError, EngineError: as :meth:`FusionSession.open`.
        CaptureError: the recording cannot be replayed.
        InputError: there are no pictures where they are said to be.
        DataError: there is nothing that the model hears or sees.
    """
    options = options or SoakOptions()
    if options.seconds < 1:
        raise UsageError(f"A soak takes at least a second, not {options.seconds:g}.")
    date = datetime.now(timezone.utc).isoformat(timespec="seconds")
    with (
        tempfile.TemporaryDirectory(prefix="edge-sdk-soak-") as temporary,
        FusionSession.open(path, engine=options.engine, threads=options.threads) as session,
    ):
        run = _Run(session, options, Path(temporary))
        run.stream("first", _FIRST)
        before = held()
        looks = Looks(options.seconds)

        def look(seconds: float) -> None:
            looks.look()
            progress(seconds)

        told, end = run.stream("soak", options.seconds, look)
        memory, after = looks.trend(), given_back(before)
        counters = end.counters
        losses = Losses(
            samples=counters.audio.lost if counters.audio is not None else 0,
            samples_told=told["samples"],
            hops=counters.lost,
            hops_told=told["hops"],
            frames=counters.camera.dropped if counters.camera is not None else 0,
        )
        return SoakResult(
            date=date,
            seconds=options.seconds,
            bundle=bundle_info(session.bundle, session.parts.edition),
            device=device_info(()),
            audio=_source(run.hears, options.audio),
            pictures=_source(run.sees, options.pictures),
            decisions=counters.decisions,
            late=counters.late,
            failures=counters.failures,
            moves=counters.moves,
            data_age_p95=counters.data_age_p95,
            losses=losses,
            memory=memory,
            before=before,
            after=after,
            problems=tuple(_problems(end, losses, memory, before, after)),
        )


class _Run:
    """Streams over what is injected."""

    def __init__(self, session: FusionSession, options: SoakOptions, folder: Path) -> None:
        self._session, self._options, self._folder = session, options, folder
        self.hears = self.sees = False

    def stream(
        self, name: str, seconds: float, each: Callable[[float], None] = lambda seconds: None
    ) -> tuple[dict[str, int], Ended]:
        """One stream to its end: what it told of losses, and how it ended."""
        folder = self._folder / name
        folder.mkdir()
        options = self._options
        given = prepare(self._session.bundle, folder, seconds, options.audio, options.pictures)
        self.hears, self.sees = given.audio is not None, given.pictures is not None
        told = {"samples": 0, "hops": 0}
        end: Ended | None = None
        begin: float | None = None
        with self._open(given, seconds) as stream:
            for event in stream:
                begin = event.time if begin is None else begin
                each(event.time - begin)
                if isinstance(event, DecisionsLost):
                    told["hops"] += event.count
                elif isinstance(event, Captured) and isinstance(event.event, SamplesLost):
                    told["samples"] += event.event.samples
                elif isinstance(event, Ended):
                    end = event
        assert end is not None
        return told, end

    def _open(self, given: Injected, seconds: float) -> LiveStream:
        session = self._session
        hop = StreamOptions().hop_seconds
        microphone = camera = None
        if given.audio is not None:
            assert session.frontends.audio is not None
            rate = session.frontends.audio.config.rate
            block = max(1, round(rate * hop / 2))
            microphone = ReplayAudio(given.audio, rate=rate, block=block, repeat=seconds)
        if given.pictures is not None:
            camera = ReplayVideo(given.pictures, fps=FPS)
        return session.stream(
            microphone=microphone,
            camera=camera,
            text=given.text,
            governor=LadderGovernor(default_policy(session.rungs)),
            deadline=self._options.deadline,
        )


def _source(used: bool, given: Path | None) -> str | None:
    return None if not used else GOLDEN if given is None else str(given)


def _problems(
    end: Ended, losses: Losses, memory: MemoryTrend, before: Held, after: Held
) -> list[str]:
    counters = end.counters
    return [
        sentence
        for bad, sentence in (
            (end.reason == "failed", f"The stream failed: {end.sentence}"),
            (counters.decisions == 0, "No decision was made."),
            (counters.failures > 0, f"A stage failed {counters.failures} times."),
            (
                losses.samples != losses.samples_told,
                f"{losses.samples} samples were lost and {losses.samples_told} told of.",
            ),
            (
                losses.hops != losses.hops_told,
                f"{losses.hops} hops had no decision and {losses.hops_told} were told of.",
            ),
            (
                memory.growth > memory.allowed,
                f"Memory grew by {memory.growth / 1e6:.1f} MB, over {memory.allowed / 1e6:.1f}.",
            ),
            (
                more(before, after),
                f"{before.threads} threads and {before.handles} file handles were held before, "
                f"{after.threads} and {after.handles} after.",
            ),
        )
        if bad
    ]

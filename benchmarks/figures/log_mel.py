"""CPU time of a streamed log-mel frame, against kaldi-native-fbank."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from statistics import median
from time import process_time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_sdk.errors import DependencyError
from edge_sdk.frontends.audio import AudioFeaturesConfig, LogMel
from edge_sdk.frontends.recording import read_recording
from edge_sdk.samples import SampleSet

from ..bench import Bench
from ..figure import Figure, Reading
from ..rounds import interleave
from ..spread import ratios

LIMIT = 0.5
GOAL = 0.25
ROUNDS = 41
BANDS = 80
_CHUNK = 1280
_CHUNKS = 200


def measure(bench: Bench) -> Iterator[Reading]:
    """80 bands, 80 ms a chunk, every frame read out, on held-out recordings."""
    config = AudioFeaturesConfig(bands=BANDS)
    chunks = chunks_of(bench.held_out, config, _CHUNK, _CHUNKS)
    kaldi = _kaldi()
    _ours(config, chunks), _theirs(kaldi, config, chunks)  # warm
    pairs = interleave(
        lambda _: _per_frame(lambda: _ours(config, chunks)),
        lambda _: _per_frame(lambda: _theirs(kaldi, config, chunks)),
        range(bench.rounds(ROUNDS)),
    )
    ours, theirs = (median(side) * 1e6 for side in zip(*pairs, strict=True))
    yield Reading(
        what=f"log-mel, {BANDS} bands, {_CHUNK // 16} ms chunks: CPU time a frame against "
        "kaldi-native-fbank",
        unit="x",
        values=ratios(pairs),
        limit=LIMIT,
        goal=GOAL,
        detail=f"{ours:.2f} against {theirs:.2f} µs a frame, {_CHUNKS} chunks a round",
    )


def _per_frame(run: Callable[[], int]) -> float:
    started = process_time()
    frames = run()
    return (process_time() - started) / frames


def _ours(config: AudioFeaturesConfig, chunks: list[NDArray[np.float32]]) -> int:
    stream = LogMel(config).stream()
    return sum(len(stream.push(chunk)) for chunk in chunks)


def _theirs(kaldi: Any, config: AudioFeaturesConfig, chunks: list[NDArray[np.float32]]) -> int:
    options = kaldi.FbankOptions()
    options.frame_opts.samp_freq = config.rate
    options.frame_opts.dither = 0.0
    options.mel_opts.num_bins = config.bands
    options.mel_opts.low_freq = config.low_hz
    options.mel_opts.high_freq = config.high_hz
    stream = kaldi.OnlineFbank(options)
    frames = 0
    for chunk in chunks:
        # A list: the binding takes an array item by item, which would cost it a third more.
        stream.accept_waveform(config.rate, chunk.tolist())
        while frames < stream.num_frames_ready:
            stream.get_frame(frames)
            frames += 1
    return frames


def chunks_of(
    held_out: SampleSet, config: AudioFeaturesConfig, size: int, count: int
) -> list[NDArray[np.float32]]:
    """Held-out recordings end to end, as a microphone would deliver them, in chunks of ``size``."""
    recordings: list[NDArray[np.float32]] = []
    wanted = size * count
    for sample in held_out:
        if sum(x.size for x in recordings) >= wanted:
            break
        if sample.audio is not None:
            recordings.append(read_recording(held_out.path(sample.audio), config))
    # A small set is heard again and again.
    x = np.resize(np.concatenate(recordings), wanted)
    return list(x.reshape(count, size))


def _kaldi() -> Any:
    try:
        import kaldi_native_fbank
    except ImportError as error:
        raise DependencyError(
            "The comparison needs the package kaldi-native-fbank: pip install 'edge-sdk[bench]'."
        ) from error
    return kaldi_native_fbank


FIGURE = Figure("log-mel", "streamed log-mel against kaldi-native-fbank", measure)

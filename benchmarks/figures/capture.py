"""Capture through PyAudio and a sound server without hardware: exactness, callback, CPU share."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from time import monotonic, process_time

import numpy as np
import soundfile
from numpy.typing import NDArray

from edge_sdk.errors import DeviceError
from edge_sdk.frontends.audio import AudioFeaturesConfig, LogMel
from edge_sdk.runtimes.capture import Microphone

from ..bench import Bench
from ..figure import Figure, Reading
from ..sound import SoundServer, sound_server

CALLBACK_LIMIT_MS = 0.5
CALLBACK_GOAL_MS = 0.2
SHARE_LIMIT = 5.0
SHARE_GOAL = 3.0
ROUNDS = 5
_BLOCK = 1280
_SECONDS = 6.0


def measure(bench: Bench) -> Iterator[Reading]:
    """16 kHz noise, one channel, 80 ms blocks, log-mel of 80 bands from all of it."""
    differing, callbacks, shares, lost = [], [], [], 0
    with sound_server() as server:
        played = np.random.default_rng(0).integers(-20000, 20000, 32000).astype(np.int16)
        wav = server.folder / "noise.wav"
        soundfile.write(wav, played, 16000, subtype="PCM_16")
        for _ in range(bench.rounds(ROUNDS)):
            heard, p99, share, missing = _listen(server, wav)
            differing.append(float(_difference(heard, played)))
            callbacks.append(p99)
            shares.append(share)
            lost += missing
    detail = f"{len(shares)} times {_SECONDS:g} s through PulseAudio, {lost} samples lost"
    yield Reading(
        what="capture: samples that differ from those played",
        unit="samples", values=tuple(differing), limit=0.0, goal=0.0, detail=detail,
    )  # fmt: skip
    yield Reading(
        what="capture: 99th percentile of the time in the callback",
        unit="ms", values=tuple(callbacks), limit=CALLBACK_LIMIT_MS, goal=CALLBACK_GOAL_MS,
        detail=detail,
    )  # fmt: skip
    yield Reading(
        what="microphone and log-mel front-end: share of one core",
        unit="%", values=tuple(shares), limit=SHARE_LIMIT, goal=SHARE_GOAL, detail=detail,
    )  # fmt: skip


def _listen(server: SoundServer, wav: Path) -> tuple[NDArray[np.int16], float, float, int]:
    """What is heard, the callback's p99 in ms, the CPU share in percent, and lost samples."""
    features = LogMel(AudioFeaturesConfig(bands=80)).stream()
    heard = []
    with Microphone("pulse:mic", block=_BLOCK) as microphone:
        player: subprocess.Popen[bytes] = server.play(wav)
        started, begun = process_time(), monotonic()
        while monotonic() - begun < _SECONDS:
            block = microphone.read(timeout=0.5)
            if block is not None:
                heard.append(block.samples[:, 0])
                features.push(block.samples[:, 0])
        share = (process_time() - started) / (monotonic() - begun) * 100
        counters = microphone.counters()
    player.wait()
    if not heard or counters.callback_p99_ms is None:
        raise DeviceError("Nothing was heard of the sound server.")
    samples = np.round(np.concatenate(heard) * 32768).astype(np.int16)
    return samples, counters.callback_p99_ms, share, counters.lost


def _difference(heard: NDArray[np.int16], played: NDArray[np.int16]) -> int:
    """Samples that differ where the beginning of what was played was heard."""
    starts = np.flatnonzero(heard == played[0])
    starts = starts[starts <= len(heard) - len(played)]
    found = [int(np.count_nonzero(heard[s : s + len(played)] != played)) for s in starts]
    return min(found, default=len(played))


FIGURE = Figure("capture", "capture through a sound server without hardware", measure)

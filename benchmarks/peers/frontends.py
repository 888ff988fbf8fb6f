"""Log-mel against kaldi-native-fbank and librosa, in turns, each in a process of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import numpy as np

from edge_sdk.frontends.audio import AudioFeaturesConfig

from ..figures.log_mel import chunks_of
from .environment import python_of
from .latency import ratio, take_turns
from .material import WORKERS, Material
from .result import FrontendRow
from .running import Running

_ENVIRONMENT = "frontends"
_CHUNK, _CHUNKS = 1280, 100
# What the worker calls it, its title, and whether it needs the peers' environment.
_STREAMS = (
    ("ours", "Edge SDK, streamed in 80 ms chunks", False),
    ("kaldi", "kaldi-native-fbank, streamed in 80 ms chunks", True),
    ("librosa", "librosa, the last second anew every 80 ms", True),
)
_BATCHES = (
    ("ours-batch", "Edge SDK, a whole recording", False),
    ("librosa-batch", "librosa, a whole recording", True),
)


def frontend_rows(material: Material, rounds: int) -> Iterator[FrontendRow]:
    """Streams, then whole recordings; the first of either is ours."""
    samples = material.scratch / "recording.npy"
    chunks = chunks_of(material.held_out, AudioFeaturesConfig(bands=80), _CHUNK, _CHUNKS)
    np.save(samples, np.concatenate(chunks))
    theirs = python_of(_ENVIRONMENT, material.environments)
    for group in (_STREAMS, _BATCHES):
        with ExitStack() as stack:
            running = {}
            for name, _, foreign in group:
                python = theirs if foreign else python_of(None, material.environments)
                command = [python, str(WORKERS / "frontend.py"), name, str(samples)]
                log = material.scratch / f"frontend-{name}.stderr"
                running[name] = stack.enter_context(Running(command, log))
            found = take_turns(running, rounds)
        # Two halves stand for two processes: the interval is of one process and says so little.
        halves = {n: [times[::2], times[1::2]] for n, times in found.items()}
        for name, title, _ in group:
            yield FrontendRow(
                title=title,
                rounds=tuple(times["frame"] for times in found[name]),
                against_ours=ratio(halves[name], halves[group[0][0]]),
            )

"""What it costs to listen: a live stream of sound alone, and a microphone beside a peer's loop."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from edge_sdk import FusionSession
from edge_sdk.errors import DeviceError

from ..bench import ENGINE, Bench
from ..figure import Figure, Reading
from ..open_wake_word import open_wake_word
from ..sound import SoundServer, sound_server
from ..spread import ratios
from .live_stream import record, stream

ROUNDS = 3
SECONDS = 20.0
_PROGRAM = "edge_sdk.benchmarks.figures.listener"


def measure(bench: Bench) -> Iterator[Reading]:
    """Sound in real time; all of the process counts, its callback and the waiting, too.

    Raises:
        DeviceError: a listener failed.
        DependencyError: there is no PulseAudio.
    """
    path = bench.bundle().path
    rounds = bench.rounds(ROUNDS)
    with FusionSession.open(path, engine=ENGINE) as session:
        recorded = record(bench, session, SECONDS)
        shares = [100 * stream(session, recorded, camera=False).cpu for _ in range(rounds)]
    yield Reading(
        what="live stream of sound alone, a decision each 80 ms: share of one core",
        unit="%",
        values=tuple(shares),
        limit=3.0,
        detail=f"{SECONDS:.0f} s in real time a round, a sliding window of 2 s in four copies",
    )
    peer = open_wake_word() is not None
    with sound_server() as server:
        both = [_listen(server, recorded.sound, path, peer) for _ in range(rounds)]
    detail = f"{SECONDS:.0f} s a round on a sound server without hardware"
    yield Reading(
        what="microphone, front-end and streaming audio encoder: share of one core",
        unit="%",
        values=tuple(mine for mine, _ in both),
        limit=3.0,
        detail=detail,
    )
    pairs = [(mine, other) for mine, other in both if other is not None]
    if pairs:
        their = sorted(other for _, other in pairs)[len(pairs) // 2]
        yield Reading(
            what="the same beside openWakeWord's loop (PyAudio, mel and speech embedding) at the "
            "same time on the same microphone",
            unit="x",
            values=ratios(pairs),
            limit=1.0,
            detail=f"{detail}; theirs {their:.1f} % of a core, without a classifier",
        )


def _listen(
    server: SoundServer, sound: Path, bundle: Path, peer: bool
) -> tuple[float, float | None]:
    """The shares of a core of both programs, which hear the same; None without the peer."""
    player = server.play(sound)
    names = ["ours", *(["theirs"] if peer else [])]
    running = [
        subprocess.Popen(
            [sys.executable, "-m", _PROGRAM, name, str(SECONDS - 6.0), str(bundle)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name in names
    ]
    found = []
    for name, process in zip(names, running, strict=True):
        output, problems = process.communicate()
        if process.returncode:
            said = problems.strip().splitlines()[-1:] or ["it said nothing"]
            raise DeviceError(f"The listener {name!r} failed: {said[0]}")
        found.append(float(output.split()[-1]))
    player.kill()
    player.wait()
    return found[0], found[1] if peer else None


FIGURE = Figure("live-idle", "what listening costs, beside a peer", measure)

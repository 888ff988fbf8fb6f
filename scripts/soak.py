"""Runs a live stream for a long time on devices that are not there, and fails on any growth.

    python scripts/soak.py BUNDLE --minutes 60

A PulseAudio server without hardware plays speech to the microphone, an MJPEG server on this
machine is the camera, and the stream runs with its governor. Watched every few seconds: memory,
threads, file handles, processor time, data age, and whether every loss that the devices counted
was also told. Exits with 1 where something grew, was not told, or spun. ``--looks FILE`` keeps what
was watched, one JSON object a look.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from edge_sdk import FusionSession
from edge_sdk.benchmarks.soak.result import Held
from edge_sdk.benchmarks.soak.watch import given_back, held, more, slope
from edge_sdk.runtimes.capture import Camera, Microphone, SamplesLost
from edge_sdk.runtimes.governor import LadderGovernor, default_policy
from edge_sdk.runtimes.probes.memory import process_memory
from edge_sdk.runtimes.streaming.events import Captured, Decision, DecisionsLost, Ended
from tests.mjpeg import network_camera
from tests.sound import SoundServer, sound_server
from tests.synthetic import speech_like

#: Memory may rise by so much a minute, on average after the first quarter, in kB.
GROWTH = 200.0
#: The age of data may be so much of itself higher at the end, by its slope.
CREEP = 0.1
#: Share of a core beyond which something spins.
BUSY = 0.9
_LOOK = 2.0


#: What is watched, a column each. ``age`` is the p95 since the last look, in seconds; ``load`` the
#: machine's, with all that others do on it; ``waiting`` the share of the time that this process's
#: main thread was ready to run and another one ran.
COLUMNS = ("time", "resident", "threads", "handles", "age", "load", "waiting", "level")


class Looks:
    """Looks at the process, in memory that is taken beforehand: what grows is not the looking."""

    def __init__(self, seconds: float) -> None:
        self._rows = np.full((int(seconds / _LOOK) + 10, len(COLUMNS)), np.nan)
        self._count = 0
        self.levels: list[str] = []
        self._waited = waited()

    def __len__(self) -> int:
        return self._count

    def add(self, time: float, age: float, load: float | None, level: str) -> None:
        """Look now."""
        if level not in self.levels:
            self.levels.append(level)
        now = held()
        before, self._waited = self._waited, waited()
        busy = np.nan if load is None else load
        self._rows[self._count % len(self._rows)] = (
            time, process_memory().resident, now.threads, now.handles, age, busy,
            (self._waited - before) / _LOOK, self.levels.index(level),
        )  # fmt: skip
        self._count += 1

    def column(self, name: str) -> np.ndarray:
        return self._rows[: self._count, COLUMNS.index(name)]

    def lines(self) -> Iterator[str]:
        """Each look as a JSON object."""
        for row in self._rows[: self._count].tolist():
            look = dict(zip(COLUMNS, row, strict=True))
            yield json.dumps(look | {"level": self.levels[int(look["level"])]}) + "\n"


def waited() -> float:
    """Seconds that the main thread has waited for a core, by the kernel's account."""
    return int(Path("/proc/self/schedstat").read_text().split()[1]) * 1e-9


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--fps", type=float, default=15.0, help="of the camera")
    parser.add_argument("--looks", type=Path, help="a file for all that was watched")
    options = parser.parse_args()
    with sound_server() as server, network_camera(fps=options.fps) as camera:
        recording = server.folder / "speech.wav"
        soundfile.write(recording, speech_like(20.0).clip(-1, 1), 16000)
        seconds, address = options.minutes * 60, camera.address
        return soak(options.bundle, seconds, server, address, recording, options.looks)


def soak(
    bundle: Path,
    seconds: float,
    server: SoundServer,
    camera: str,
    recording: Path,
    kept: Path | None,
) -> int:
    """Run, print what was measured; 1 where something is wrong."""
    with FusionSession.open(bundle) as session:
        governor = LadderGovernor(default_policy(session.rungs))
        # What libraries keep for good is there after a first short stream.
        run(session, governor, 3.0, server, camera, recording)
        before = held()
        cpu, begin = time.process_time(), time.monotonic()
        looks, told, end = run(session, governor, seconds, server, camera, recording)
        busy = (time.process_time() - cpu) / (time.monotonic() - begin)
        after = given_back(before)
    if kept is not None:
        kept.write_text("".join(looks.lines()))
    return report(looks, told, end, busy, before, after)


def run(
    session: FusionSession,
    governor: LadderGovernor,
    seconds: float,
    server: SoundServer,
    camera: str,
    recording: Path,
) -> tuple[Looks, dict[str, int], Ended]:
    """Stream for so long; the looks, what was told of losses, and the end."""
    looks = Looks(seconds)
    told = {"samples": 0, "decisions": 0}
    ages: list[float] = []
    level = ""
    player = server.play(recording)
    end: Ended | None = None
    begin = time.monotonic()
    stream = session.stream(
        microphone=Microphone("pulse:mic", block=640),
        camera=Camera(camera),
        governor=governor,
        deadline=0.25,
    )
    for event in stream:
        if isinstance(event, Decision):
            ages.append(event.data_age)
            level = event.level
        elif isinstance(event, DecisionsLost):
            told["decisions"] += event.count
        elif isinstance(event, Captured) and isinstance(event.event, SamplesLost):
            told["samples"] += event.event.samples
        elif isinstance(event, Ended):
            end = event
        now = time.monotonic()
        if player.poll() is not None:
            player = server.play(recording)
        if ages and now - begin > _LOOK * (len(looks) + 1):
            looks.add(now - begin, float(np.quantile(ages, 0.95)), stream.load, level)
            ages.clear()
        if now - begin > seconds:
            stream.stop()
    player.kill()
    player.wait()
    assert end is not None
    return looks, told, end


def report(
    looks: Looks,
    told: dict[str, int],
    end: Ended,
    busy: float,
    before: Held,
    after: Held,
) -> int:
    """Print, and judge."""
    settled = slice(len(looks) // 4, None)
    minutes = looks.column("time") / 60
    # Not the memory of its own: a page counts as its own as soon as another process that shared
    # it, such as any other Python, has ended.
    resident = looks.column("resident") / 1024
    memory = slope(minutes[settled], resident[settled])
    ages, waiting = looks.column("age") * 1e3, looks.column("waiting")
    # Data are older while others have the core: only looks at equal waiting are compared.
    drift = slope(minutes[settled], ages[settled], waiting[settled])
    counters = end.counters
    audio, camera = counters.audio, counters.camera
    assert audio is not None
    assert camera is not None
    length = looks.column("time")[-1]
    # The age swings by a hop, as blocks and pictures drift against each other: over minutes its
    # slope is mostly that swing.
    short = max(1.0, 600 / length)
    risen = drift * (minutes[-1] - minutes[settled][0])
    print(f"{length / 60:.1f} minutes, {counters.decisions} decisions, {end.reason}")
    print(
        f"resident memory: {resident[0]:.0f} kB at first, {resident[-1]:.0f} kB at last, "
        f"{memory:+.1f} kB a minute after the first quarter"
    )
    print(
        f"data age p95: {ages.min():.0f} to {ages.max():.0f} ms, median {np.median(ages):.0f}, "
        f"{drift:+.2f} ms a minute at equal waiting for a core; by quarters of the time "
        f"{quarters(ages)} ms, waiting {quarters(100 * waiting)} %"
    )
    names = [looks.levels[int(level)] for level in looks.column("level")]
    shares = (f"{name} {count / len(names):.0%}" for name, count in Counter(names).items())
    print(f"levels: {', '.join(shares)}")
    print(f"processor: {busy:.1%} of a core")
    print(
        f"threads and handles: {before.threads} and {before.handles} before, "
        f"{after.threads} and {after.handles} after, most "
        f"{looks.column('threads').max():.0f} and {looks.column('handles').max():.0f}"
    )
    print(
        f"samples lost {audio.lost} (told {told['samples']}), hops lost {counters.lost} (told "
        f"{told['decisions']}), frames passed over {camera.dropped}, late {counters.late}, moves "
        f"{counters.moves}, failures {counters.failures}"
    )
    wrong = [
        sentence
        for bad, sentence in (
            (end.reason != "stopped", f"it ended by itself: {end.sentence}"),
            (counters.failures > 0, "a stage failed"),
            (memory > GROWTH * short, "memory grows"),
            (risen > CREEP * short * float(np.median(ages)), "data grow older"),
            (told["samples"] != audio.lost, "samples were lost and not told"),
            (told["decisions"] != counters.lost, "decisions were lost and not told"),
            (more(before, after), "threads or file handles were left behind"),
            (busy > BUSY, "it spins"),
        )
        if bad
    ]
    for sentence in wrong:
        print(f"FAILED: {sentence}")
    return 1 if wrong else 0


def quarters(values: np.ndarray) -> str:
    """The median of each quarter of the time."""
    return ", ".join(f"{np.median(part):.0f}" for part in np.array_split(values, 4) if len(part))


if __name__ == "__main__":
    sys.exit(main())

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
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import soundfile

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from edge_sdk import FusionSession
from edge_sdk.runtimes.capture import Camera, Microphone, SamplesLost
from edge_sdk.runtimes.governor import LadderGovernor, default_policy
from edge_sdk.runtimes.probes.memory import process_memory
from edge_sdk.runtimes.streaming.events import Captured, Decision, DecisionsLost, Ended
from tests.capture.resources import held
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


@dataclass
class Look:
    """One look at the process; ``age`` is the p95 since the last one, in seconds.

    ``load`` is the machine's, with all that others do on it.
    """

    time: float
    resident: int
    threads: int
    handles: int
    age: float
    load: float | None
    level: str


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
        deadline = time.monotonic() + 30
        while (
            any(a > b for a, b in zip(held(), before, strict=True)) and time.monotonic() < deadline
        ):
            time.sleep(0.1)
        after = held()
    if kept is not None:
        kept.write_text("".join(json.dumps(asdict(look)) + "\n" for look in looks))
    return report(looks, told, end, busy, before, after)


def run(
    session: FusionSession,
    governor: LadderGovernor,
    seconds: float,
    server: SoundServer,
    camera: str,
    recording: Path,
) -> tuple[list[Look], dict[str, int], Ended]:
    """Stream for so long; the looks, what was told of losses, and the end."""
    looks: list[Look] = []
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
            memory, (threads, handles) = process_memory(), held()
            age = float(np.quantile(ages, 0.95))
            looks.append(
                Look(now - begin, memory.resident, threads, handles, age, stream.load, level)
            )
            ages.clear()
        if now - begin > seconds:
            stream.stop()
    player.kill()
    player.wait()
    assert end is not None
    return looks, told, end


def report(
    looks: list[Look],
    told: dict[str, int],
    end: Ended,
    busy: float,
    before: tuple[int, ...],
    after: tuple[int, ...],
) -> int:
    """Print, and judge."""
    settled = looks[len(looks) // 4 :]
    minutes = np.array([look.time / 60 for look in settled])
    # Not the memory of its own: a page counts as its own as soon as another process that shared
    # it, such as any other Python, has ended.
    memory = slope(minutes, np.array([look.resident / 1024 for look in settled]))
    ages = np.array([look.age * 1e3 for look in settled])
    drift = slope(minutes, ages)
    counters = end.counters
    audio, camera = counters.audio, counters.camera
    assert audio is not None
    assert camera is not None
    length = looks[-1].time
    print(f"{length / 60:.1f} minutes, {counters.decisions} decisions, {end.reason}")
    print(
        f"resident memory: {looks[0].resident >> 10} kB at first, {looks[-1].resident >> 10} kB at "
        f"last, {memory:+.1f} kB a minute after the first quarter"
    )
    print(
        f"data age p95: {ages.min():.0f} to {ages.max():.0f} ms, median {np.median(ages):.0f}, "
        f"{drift:+.2f} ms a minute; by quarters of the time {', '.join(quarters(looks))} ms"
    )
    levels = Counter(look.level for look in looks)
    print("levels: " + ", ".join(f"{name} {n / len(looks):.0%}" for name, n in levels.items()))
    print(f"processor: {busy:.1%} of a core")
    print(
        f"threads and handles: {before} before, {after} after, most "
        f"{max(look.threads for look in looks)} and {max(look.handles for look in looks)}"
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
            (memory > GROWTH * max(1.0, 600 / length), "memory grows"),
            (
                drift * (minutes[-1] - minutes[0]) > CREEP * float(np.median(ages)),
                "data grow older",
            ),
            (told["samples"] != audio.lost, "samples were lost and not told"),
            (told["decisions"] != counters.lost, "decisions were lost and not told"),
            (
                any(a > b for a, b in zip(after, before, strict=True)),
                "threads or file handles were left behind",
            ),
            (busy > BUSY, "it spins"),
        )
        if bad
    ]
    for sentence in wrong:
        print(f"FAILED: {sentence}")
    return 1 if wrong else 0


def quarters(looks: list[Look]) -> Iterator[str]:
    """The median of the ages of each quarter of the time, in ms."""
    for part in np.array_split(np.array([look.age * 1e3 for look in looks]), 4):
        if len(part):
            yield f"{np.median(part):.0f}"


def slope(x: np.ndarray, y: np.ndarray) -> float:
    """The median of the slopes of all pairs, which single outliers do not move."""
    i, j = np.triu_indices(len(x), 1)
    return float(np.median((y[j] - y[i]) / (x[j] - x[i]))) if len(i) else 0.0


if __name__ == "__main__":
    sys.exit(main())

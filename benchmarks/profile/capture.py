"""What listening and looking cost: from a delivery of the device to features, on real samples.

A recorded sample plays through the microphone of :mod:`edge_sdk.runtimes.capture` on a virtual
clock, with a device that is not there: its ring, stamps and conversion are the real ones, the
driver's own work is not in it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import perf_counter, process_time
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from edge_sdk.frontends import Frontends
from edge_sdk.runtimes.capture import Microphone, SimulatedCamera, SimulatedInput, VirtualClock

from .inputs import Given
from .percentiles import Latency, latency_of

#: Milliseconds of sound in a block; signal that is heard, and the rounds it is cut into.
BLOCK_MS, SECONDS, ROUNDS = 80, 24.0, 3
#: Pictures that are looked at.
FRAMES = 60


class CaptureCost(msgspec.Struct, frozen=True, kw_only=True):
    """One source.

    Attributes:
        unit: what a call is: a block of sound, or a frame.
        every_ms: milliseconds between two of them; None: as often as somebody looks.
        capture: milliseconds from the delivery to the block or frame in hand.
        frontend: milliseconds from there to features.
        core: share of one core that both take while the source runs, 0 to 1; None as ``every_ms``.
    """

    unit: str
    every_ms: float | None
    capture: Latency
    frontend: Latency
    core: float | None


def measure_capture(frontends: Frontends, given: Sequence[Given]) -> dict[str, CaptureCost]:
    """By modality; of those that a microphone or a camera gives and the samples have."""
    found = {}
    heard = [one.values["audio"][0] for one in given if "audio" in one.values]
    if heard:
        found["audio"] = _hear(frontends, np.concatenate(heard))
    seen = [one.values["image"] for one in given if "image" in one.values]
    if seen:
        found["image"] = _look(frontends, seen)
    return found


def _hear(frontends: Frontends, sound: NDArray[np.float32]) -> CaptureCost:
    rate = frontends.audio.config.rate
    block = rate * BLOCK_MS // 1000

    # Round and round, to the end and the warm-up before it.
    tape = np.resize(sound, round((SECONDS + 2) * rate))[:, None]

    def play(first: int, count: int) -> NDArray[np.float32]:
        return tape[first : first + count]

    device = SimulatedInput(VirtualClock(), play, rate=rate)
    stream = frontends.audio.stream()
    rounds = round(SECONDS / ROUNDS * 1000 / BLOCK_MS)
    with Microphone(device, rate=rate, block=block) as microphone:
        blocks = iter(microphone)
        spent = process_time()
        times = _timed(lambda: next(blocks).mono(), stream.push, rounds)
        spent = process_time() - spent
    return CaptureCost(
        unit=f"block of {BLOCK_MS} ms",
        every_ms=float(BLOCK_MS),
        capture=latency_of([[a for a, _ in one] for one in times]),
        frontend=latency_of([[b for _, b in one] for one in times]),
        core=spent / (ROUNDS * rounds * BLOCK_MS / 1000),
    )


def _look(frontends: Frontends, pictures: Sequence[NDArray[np.uint8]]) -> CaptureCost:
    camera = SimulatedCamera(VirtualClock(), lambda number: pictures[number % len(pictures)])
    last: int | None = None

    def newest() -> NDArray[np.uint8]:
        nonlocal last
        frame = camera.newest(after=last, timeout=None)
        assert frame is not None
        last = frame.number
        return frame.image

    camera.start()
    times = _timed(newest, frontends.image, FRAMES // ROUNDS)
    camera.stop()
    return CaptureCost(
        unit="frame",
        every_ms=None,
        capture=latency_of([[a for a, _ in one] for one in times]),
        frontend=latency_of([[b for _, b in one] for one in times]),
        core=None,
    )


def _timed(
    take: Callable[[], Any], use: Callable[[Any], Any], count: int
) -> list[list[tuple[float, float]]]:
    """Milliseconds of both, in rounds; a warm-up before the first is not among them."""
    rounds = []
    for number in range(ROUNDS + 1):
        one = []
        for _ in range(count if number else 5):
            started = perf_counter()
            value = take()
            taken = perf_counter()
            use(value)
            one.append(((taken - started) * 1e3, (perf_counter() - taken) * 1e3))
        rounds.append(one)
    return rounds[1:]

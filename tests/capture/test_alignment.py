"""One clock: sources that drift apart for an hour stay aligned, and old pictures are missing."""

from __future__ import annotations

import numpy as np
import pytest

from edge_sdk.errors import UsageError
from edge_sdk.runtimes.capture import (
    Aligner,
    Microphone,
    SimulatedCamera,
    SimulatedInput,
    VirtualClock,
)
from edge_sdk.runtimes.capture.clock_fit import ClockFit


def test_sources_that_drift_by_200_ppm_for_an_hour_stay_aligned() -> None:
    clock = VirtualClock(start=1000.0)
    # Few deliveries, to be quick; the arithmetic is that of any rate.
    device = SimulatedInput(clock, rate=2000, drift_ppm=200.0, jitter=0.003)
    microphone = Microphone(device, rate=2000, block=1000, callback_seconds=0.25)
    camera = SimulatedCamera(clock, fps=10.0, drift_ppm=-200.0)
    aligner = Aligner(camera)
    true_rate = 2000 * (1 + 200e-6)
    stamps, frames, blocks = [], [], 0
    with microphone:
        camera.start()
        while clock.now() < 1000.0 + 3600.0:
            block = microphone.read(timeout=5.0)
            assert block is not None
            blocks += 1
            stamps.append(block.time - (1000.0 + block.position / true_rate))
            end = block.time + 0.5
            frame = aligner.nearest_frame(end, max_age=0.3)
            assert frame is not None
            assert frame.time == pytest.approx(1000 + frame.number / (10 * (1 - 200e-6)), abs=1e-6)
            frames.append(frame.time - end)
        counters = microphone.counters()
    # By the nominal rates they would be 1.4 s apart by now.
    assert blocks == pytest.approx(7200, abs=5)
    assert np.abs(stamps).max() < 0.01
    assert np.abs(stamps[-100:]).max() < 0.005
    # The camera's period, and what the stamps are off: at the end no more than at the beginning.
    assert np.abs(frames).max() < 0.1 + 0.01
    assert np.abs(frames[-1000:]).max() < np.abs(frames[:1000]).max() + 0.01
    assert counters.drift_ppm == pytest.approx(200.0, abs=5.0)
    assert counters.lost == counters.overruns == 0
    assert aligner.missing == 0


@pytest.mark.parametrize("ppm", [-300.0, 0.0, 50.0])
def test_the_drift_is_found_through_wild_stamps(ppm: float) -> None:
    rng = np.random.default_rng(7)
    fit = ClockFit(16000)
    rate = 16000 * (1 + ppm * 1e-6)
    for delivery in range(600 * 10):
        late = rng.exponential(0.002)
        # Whole seconds in which the machine was busy with something else.
        if delivery // 10 % 7 == 0:
            late += 0.05
        fit.add(delivery * 1600, delivery * 1600 / rate + late)
    assert fit.drift_ppm == pytest.approx(ppm, abs=5.0)
    assert fit.time_of(9.6e6) == pytest.approx(9.6e6 / rate, abs=0.005)


def test_a_picture_that_is_too_old_is_missing_until_there_is_a_new_one() -> None:
    clock = VirtualClock()
    camera = SimulatedCamera(clock, fps=10, missing=[(1.0, 2.0)])
    camera.start()
    aligner = Aligner(camera)
    seen = []
    for _ in range(30):
        clock.sleep(0.1)
        seen.append(aligner.nearest_frame(clock.now(), max_age=0.35) is not None)
    gone = [round(0.1 * (i + 1), 1) for i, there in enumerate(seen) if not there]
    assert gone == [1.3, 1.4, 1.5, 1.6, 1.7, 1.8, 1.9]
    assert (aligner.found, aligner.missing) == (23, 7)


def test_the_nearest_of_the_kept_frames_is_found_not_the_newest() -> None:
    clock = VirtualClock()
    camera = SimulatedCamera(clock, fps=10)
    camera.start()
    aligner = Aligner(camera, keep=4)
    for _ in range(10):
        clock.sleep(0.1)
        aligner.nearest_frame(clock.now(), max_age=1)
    frame = aligner.nearest_frame(clock.now() - 0.22, max_age=0.1)
    assert frame is not None
    assert frame.time == pytest.approx(clock.now() - 0.2)
    # Only so many are kept.
    assert aligner.nearest_frame(clock.now() - 0.6, max_age=0.1) is None
    with pytest.raises(UsageError):
        Aligner(camera, keep=0)

"""A soak in real time on a small bundle: it passes, and it sees what it is there to see."""

from __future__ import annotations

from pathlib import Path
from typing import IO

import msgspec
import numpy as np
import pytest
import soundfile

from edge_sdk.benchmarks.soak import SoakOptions, SoakResult, soak

from ..cli.conftest import Run


def test_a_soak_passes_and_says_what_it_saw(run: Run, tiny_bundle: Path) -> None:
    done = run("soak", tiny_bundle, "--seconds", "2", "--json")
    found = msgspec.convert(done.json, SoakResult)
    assert done.code == 0, done.err
    assert found.problems == ()
    assert found.decisions > 0
    assert found.audio == found.pictures == "golden"
    assert found.losses.hops == found.losses.hops_told
    assert found.memory.first > 0
    assert found.after.handles <= found.before.handles


def test_handles_that_stay_and_memory_that_grows_are_found(
    tiny_bundle: Path, tmp_path: Path
) -> None:
    kept: list[IO[str] | bytearray] = []
    recording = tmp_path / "own.wav"
    soundfile.write(recording, np.zeros(4000), 8000)

    def leak(seconds: float) -> None:
        kept.append(recording.open())
        kept.append(bytearray(b"x" * (1 << 20)))

    found = soak(tiny_bundle, SoakOptions(seconds=2, audio=recording), progress=leak)
    for one in kept:
        if not isinstance(one, bytearray):
            one.close()
    assert found.audio == str(recording)
    assert any("Memory grew" in problem for problem in found.problems)
    assert any("file handles" in problem for problem in found.problems)


def test_people_read_it_too(run: Run, tiny_bundle: Path) -> None:
    done = run("soak", tiny_bundle, "--seconds", "1")
    assert done.code == 0, done.err
    assert done.out.endswith("passed\n")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--pictures", "{empty}"], 3, "no PNG or JPEG"),
        (["--audio", "{empty}/no.wav"], 12, "no.wav"),
        (["--seconds", "0"], 2, "no duration"),
        (["--seconds", "500ms"], 2, "at least a second"),
    ],
)
def test_mistakes_are_sentences(
    run: Run, tiny_bundle: Path, tmp_path: Path, words: list[str], code: int, said: str
) -> None:
    done = run("soak", tiny_bundle, *(word.format(empty=tmp_path) for word in words))
    assert done.code == code
    assert said in done.err

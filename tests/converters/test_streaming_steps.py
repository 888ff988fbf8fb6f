"""A step as a graph of its own, for engines of fixed lengths."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from edge_sdk.bundle import Bundle
from edge_sdk.bundle.manifest import Streaming
from edge_sdk.bundle.streaming import Stepper
from edge_sdk.converters.backends.litert import LiteRtBackend
from edge_sdk.converters.backends.protocol import StreamForm
from edge_sdk.converters.export.tflite import export_tflite
from edge_sdk.converters.export.tflite_flatbuffer import tflite_float_share
from edge_sdk.converters.export.tflite_quantise import quantise_tflite
from edge_sdk.converters.export.tflite_reference import TfliteReference
from edge_sdk.converters.streaming import step_feeds
from edge_sdk.runtimes.engines import EngineOptions
from edge_sdk.runtimes.parts import LoadedParts
from edge_sdk.runtimes.selftest import check_golden
from edge_sdk.runtimes.streaming import StreamingAudio
from tests.tflite_parts import spec_of

from ..bundles import with_golden
from ..synthetic import speech_like
from .conftest import Convert

KINDS = ("audio gru", pytest.param("audio tcn", marks=pytest.mark.slow))


def features(frames: int, seed: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng(seed).standard_normal((1, frames, 12)).astype(np.float32)


@cache
def step_graph(kind: str) -> bytes:
    stepped = spec_of(kind).stepped()
    assert stepped is not None
    return export_tflite(stepped, sizes={})


def form_of(kind: str) -> StreamForm:
    step = spec_of(kind).step
    assert step is not None
    return StreamForm(frames=step.frames, multiples=False, states=step.named)


def stepper(kind: str, run: Any) -> Stepper:
    form = form_of(kind)
    return Stepper(run, Streaming(file="", frames=form.frames, multiples=False, states=form.states))


def whole(kind: str, x: NDArray[np.float32]) -> NDArray[np.float32]:
    module = spec_of(kind).module
    assert module is not None
    with torch.no_grad():
        found: NDArray[np.float32] = module(torch.from_numpy(x)).numpy()
    return found


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("optimise", [False, True])
def test_tflite_steps_give_what_torch_gives_at_once(kind: str, optimise: bool) -> None:
    stream = stepper(kind, TfliteReference(step_graph(kind), optimise=optimise).run)
    x = features(64, 3)
    for upto in range(8, 65, 8):
        got = stream.step(x[:, upto - 8 : upto])
        np.testing.assert_allclose(got, whole(kind, x[:, :upto]), rtol=0, atol=1e-4)


def test_a_quantised_step_stays_near() -> None:
    kind = "audio gru"
    reference = TfliteReference(step_graph(kind), optimise=True)
    feeds = [{"features": features(40, seed)} for seed in range(16)]
    content = quantise_tflite(
        step_graph(kind), "int8", step_feeds(reference.run, form_of(kind), feeds)
    )
    assert tflite_float_share(step_graph(kind), content).weights < 0.5
    stream, x = stepper(kind, TfliteReference(content).run), features(40, 7)
    for upto in range(8, 41, 8):
        got, wanted = stream.step(x[:, upto - 8 : upto]), whole(kind, x[:, :upto])
        assert np.square(got - wanted).sum() < 0.01 * np.square(wanted).sum()


def test_a_step_is_given_what_the_step_before_made() -> None:
    kind = "audio gru"
    reference = TfliteReference(step_graph(kind))
    feeds = list(step_feeds(reference.run, form_of(kind), [{"features": features(27)}]))
    assert len(feeds) == 3
    count = form_of(kind).states[-1].input
    assert [float(feed[count][0]) for feed in feeds] == [0, 2, 4]


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_the_litert_backend_makes_a_step_only_where_it_is_asked_for(
    convert_tiny: Convert, tmp_path: Path
) -> None:
    for wanted in (False, True):
        output = tmp_path / f"{wanted}.edge"
        convert_tiny(engines=["litert"], precision="fp32", streaming=wanted, output=output)
        variant = Bundle.open(output).manifest.parts[0].variants[0]
        assert (variant.streaming is not None) == wanted
        with StreamingAudio.open(output) as audio:
            assert audio.encoder.mode == ("stateful" if wanted else "recomputed")
            embedding = audio.push(speech_like(0.6))
            assert embedding is not None
    assert LiteRtBackend.engine == variant.engine


def test_a_stream_that_deviates_fails_its_golden_check(tiny_bundle: Path, tmp_path: Path) -> None:
    harmed = with_golden(tiny_bundle, tmp_path / "harmed.edge", "stream.audio", lambda a: a + 1)
    for path, well in ((tiny_bundle, True), (harmed, False)):
        bundle = Bundle.open(path)
        parts = LoadedParts(bundle, bundle.manifest.preferred, EngineOptions())
        found = [d for _, d in check_golden(bundle, parts) if d.stage == "stream.audio"]
        assert found
        assert all(deviation.ok for deviation in found) == well

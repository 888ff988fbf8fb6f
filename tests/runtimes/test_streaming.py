"""A stream of samples gives, hop by hop, what the session gives of the recording so far."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from edge_sdk import FusionSession
from edge_sdk.errors import InputError, UsageError
from edge_sdk.runtimes.streaming import StreamingAudio, StreamingEncoder

from ..bundles import manifest_of, rewrite
from ..synthetic import RATE, speech_like

HOP = 8


@pytest.fixture(scope="module")
def session(tiny_bundle: Path) -> Iterator[FusionSession]:
    with FusionSession.open(tiny_bundle) as session:
        yield session


@pytest.fixture(scope="module")
def stream(tiny_bundle: Path) -> Iterator[StreamingAudio]:
    with StreamingAudio.open(tiny_bundle) as audio:
        yield audio


@pytest.fixture(scope="module")
def without(tiny_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle without its streaming form, as other engines or models have it."""
    parts = tuple(
        msgspec.structs.replace(
            part,
            variants=tuple(msgspec.structs.replace(v, streaming=None) for v in part.variants),
        )
        for part in manifest_of(tiny_bundle).parts
    )
    return rewrite(tiny_bundle, tmp_path_factory.mktemp("plain") / "plain.edge", parts=parts)


def whole(session: FusionSession, frames: NDArray[np.float32]) -> NDArray[np.float32]:
    """The embedding of frames ``[k, bands]`` at once."""
    found: NDArray[np.float32] = session.parts.encode("audio", frames[None])
    return found


def assert_equal(got: NDArray[np.float32], wanted: NDArray[np.float32]) -> None:
    # Quantised kernels round a value between two steps either way.
    noise = float(((got - wanted) ** 2).sum())
    assert noise <= 1e-2 * float((wanted**2).sum()) or np.abs(got - wanted).max() < 1e-3


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(sizes=st.lists(st.integers(1, 6000), min_size=1, max_size=12), seed=st.integers(0, 9))
def test_any_chunking_of_the_samples(
    session: FusionSession, stream: StreamingAudio, sizes: list[int], seed: int
) -> None:
    x = speech_like(2.0, seed=seed)
    stream.reset()
    done = 0
    for size in sizes:
        embedding = stream.push(x[done : done + size])
        before = session.frontends.audio.frames(min(done, x.size)) // HOP
        done = min(done + size, x.size)
        frames = session.frontends.audio.batch(x[:done])
        hops = len(frames) // HOP
        assert (embedding is not None) == (hops > before)
        if embedding is not None:
            assert_equal(embedding, whole(session, frames[: hops * HOP]))
            assert stream.encoder.covered_seconds == pytest.approx(hops * 0.08)


def test_the_modes_say_how_embeddings_are_made(tiny_bundle: Path, without: Path) -> None:
    with StreamingAudio.open(tiny_bundle) as audio:
        assert (audio.encoder.mode, audio.encoder.window_seconds) == ("stateful", None)
        assert audio.encoder.hop_seconds == pytest.approx(0.08)
        assert audio.rate == RATE
    with StreamingAudio.open(tiny_bundle, window_seconds=1.5) as audio:
        assert (audio.encoder.mode, audio.encoder.window_seconds) == ("staggered", 1.5)
    with StreamingAudio.open(without) as audio:
        assert (audio.encoder.mode, audio.encoder.window_seconds) == ("recomputed", 2.0)


@pytest.mark.parametrize("chunk", [HOP, 3 * HOP, 5])
def test_staggered_streams_cover_the_window_and_no_more(
    tiny_bundle: Path, session: FusionSession, chunk: int
) -> None:
    frames = session.frontends.audio.batch(speech_like(5.0))
    with StreamingAudio.open(tiny_bundle, window_seconds=0.96, copies=3) as audio:
        encoder = audio.encoder
        covered = []
        for done in range(chunk, len(frames), chunk):
            embedding = encoder.push(frames[done - chunk : done])
            if embedding is None:
                continue
            end = done // HOP * HOP
            covered.append(round(encoder.covered_seconds * 100))
            assert_equal(embedding, whole(session, frames[end - covered[-1] : end]))
    assert max(covered) == 96
    assert min(covered[96 // chunk :]) > 96 - 96 // 3


def test_without_a_streaming_form_the_window_is_encoded_anew(
    without: Path, session: FusionSession
) -> None:
    frames = session.frontends.audio.batch(speech_like(3.0))
    with StreamingAudio.open(without, window_seconds=1.0) as audio:
        for end in range(24, len(frames), 24):
            embedding = audio.encoder.push(frames[end - 24 : end])
            assert embedding is not None
            np.testing.assert_array_equal(
                embedding, whole(session, frames[max(0, end - 100) : end])
            )


@pytest.mark.parametrize("window", [None, 0.5])
def test_after_a_reset_nothing_is_remembered(tiny_bundle: Path, window: float | None) -> None:
    x = speech_like(1.3)
    with StreamingAudio.open(tiny_bundle, window_seconds=window) as audio:
        first = audio.push(x)
        audio.push(speech_like(0.77, seed=4))
        audio.reset()
        assert audio.push(x[:400]) is None
        second = audio.push(x[400:])
    assert first is not None
    assert second is not None
    np.testing.assert_allclose(second, first, atol=1e-5)


def test_an_embedding_handed_out_stays_as_it_was(tiny_bundle: Path) -> None:
    with StreamingAudio.open(tiny_bundle) as audio:
        first = audio.push(speech_like(0.5))
        assert first is not None
        kept = first.copy()
        audio.push(speech_like(0.5, seed=3))
        np.testing.assert_array_equal(first, kept)


@pytest.mark.parametrize(
    "features",
    [np.zeros((8, 15), np.float32), np.zeros((8, 16)), np.zeros((1, 8, 16), np.float32)],
)
def test_other_features_are_refused(stream: StreamingAudio, features: NDArray[np.float32]) -> None:
    with pytest.raises(InputError, match="must be float32"):
        stream.encoder.push(features)


@pytest.mark.parametrize("options", [{"hop_seconds": 0}, {"window_seconds": -1}, {"copies": 0}])
def test_numbers_without_sense_are_refused(tiny_bundle: Path, options: dict[str, float]) -> None:
    with pytest.raises(UsageError, match="above 0"):
        StreamingAudio.open(tiny_bundle, **options)  # type: ignore[arg-type]


def test_a_hop_is_a_whole_number_of_steps(tiny_bundle: Path, session: FusionSession) -> None:
    encoder = StreamingEncoder(session.bundle, session.parts.edition, hop_seconds=0.05)
    assert encoder.step_frames == HOP
    encoder.close()

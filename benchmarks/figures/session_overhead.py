"""What the session adds to the engine: ``infer`` against bare runs of the same graphs."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import cycle, islice
from statistics import median
from time import perf_counter
from typing import Any

from edge_sdk import FusionSession
from edge_sdk.bundle import Bundle
from edge_sdk.frontends import Frontends
from edge_sdk.frontends.image import read_picture
from edge_sdk.frontends.recording import read_recording
from edge_sdk.samples import Sample, SampleSet

from ..bench import ENGINE, MODALITIES, Bench
from ..figure import Figure, Reading
from ..graphs import unpack_graphs
from ..rounds import interleave
from ..spread import ratios

LIMIT = 1.10
ROUNDS = 15
_CALLS = 40
_SAMPLES = 20


def measure(bench: Bench) -> Iterator[Reading]:
    """The ratio of the medians over a round of calls, on inputs that are new in each call."""
    path = bench.bundle().path
    samples = bench.whole_samples(_SAMPLES)
    with FusionSession.open(path, engine=ENGINE) as session:
        inputs = [_inputs(session.frontends, bench.held_out, sample) for sample in samples]
        bare = _Bare(session, bench)
        interleave(partial(_ours, session), bare, inputs)  # warm
        turn = cycle(inputs)
        pairs = []
        for _ in range(bench.rounds(ROUNDS)):
            calls = interleave(partial(_ours, session), bare, islice(turn, _CALLS))
            pairs.append((median(a for a, _ in calls), median(b for _, b in calls)))
    yield Reading(
        what="session.infer p50 without front-ends, against bare engine runs",
        unit="x",
        values=ratios(pairs),
        limit=LIMIT,
        detail=(
            f"{_CALLS} calls a round; session {median(a for a, _ in pairs):.3f} ms, "
            f"bare {median(b for _, b in pairs):.3f} ms"
        ),
    )


def _inputs(frontends: Frontends, held_out: SampleSet, sample: Sample) -> dict[str, Any]:
    assert sample.audio is not None
    assert sample.image is not None
    config = frontends.audio.config
    return {
        "audio": (read_recording(held_out.path(sample.audio), config), config.rate),
        "image": read_picture(held_out.path(sample.image)),
        "text": sample.text,
    }


def _ours(session: FusionSession, given: dict[str, Any]) -> float:
    timings = session.infer(**given).timings
    excluded = sum(ms for stage, ms in timings.items() if stage.startswith("frontend."))
    return timings["total"] - excluded


class _Bare:
    """Milliseconds in the engine alone.

    The front-ends run in between as they do in the session, but are not counted: the graphs
    meet caches in the same state.
    """

    def __init__(self, session: FusionSession, bench: Bench) -> None:
        from ..bare import bare_session

        manifest = session.bundle.manifest
        paths = unpack_graphs(Bundle.open(session.bundle.path), bench.scratch / "graphs")
        *self._encoders, self._head = [bare_session(str(p), manifest.target.threads) for p in paths]
        self._names = [encoder.get_inputs()[0].name for encoder in self._encoders]
        self._feeds = [node.name for node in self._head.get_inputs()]
        self._frontends = Frontends(manifest.frontends)

    def __call__(self, given: dict[str, Any]) -> float:
        import numpy as np

        total = 0.0
        embeddings = []
        for encoder, name, modality in zip(self._encoders, self._names, MODALITIES, strict=True):
            features = self._features(modality, given[modality])
            started = perf_counter()
            embeddings += encoder.run([encoder.get_outputs()[0].name], {name: features})
            total += perf_counter() - started
        mask = np.ones((1, len(embeddings)), np.float32)
        feed = dict(zip(self._feeds, [*embeddings, mask], strict=True))
        started = perf_counter()
        self._head.run(None, feed)
        return (total + perf_counter() - started) * 1e3

    def _features(self, modality: str, value: Any) -> Any:
        if modality == "audio":
            return self._frontends.audio.batch(value[0])[None]
        return self._frontends.image(value) if modality == "image" else self._frontends.text(value)


FIGURE = Figure("session-overhead", "session.infer against bare engine runs", measure)

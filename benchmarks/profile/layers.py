"""Every layer of every part, measured in runs of their own: tracing slows an engine down."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle, islice

from edge_sdk.bundle import Bundle
from edge_sdk.frontends import Frontends
from edge_sdk.runtimes.engines import EngineOptions
from edge_sdk.runtimes.engines.layer_times import LayerTime, NotTold, TellsLayerTimes
from edge_sdk.runtimes.rungs import Rungs
from edge_sdk.runtimes.session import FusionSession

from .inputs import Given
from .result import Layers

RUNS = 30


def measure_layers(
    bundle: Bundle, edition: str, options: EngineOptions, given: Sequence[Given], part: str | None
) -> dict[str, Layers]:
    """Placement and times by part, on ``given`` in turns.

    Raises:
        EngineError: an engine refuses a graph when it is traced.
    """
    frontends = Frontends(bundle.manifest.frontends)
    rungs = Rungs(bundle, edition, options, frontends, check=False)
    with FusionSession(bundle, rungs, frontends) as session:
        parts = session.parts
        features = [
            {name: session.features(name, value) for name, value in one.values.items()}
            for one in given
        ]
        for feed in islice(cycle(features), RUNS + 1):
            embeddings = {name: parts.encode(name, value) for name, value in feed.items()}
            if part is None or part == parts.head.part.name:
                parts.fuse(embeddings)
        met = {name for feed in features for name in feed}
        found = {}
        for loaded in parts:
            name = loaded.part.name
            is_head = loaded is parts.head
            if part is not None and part != name:
                continue
            if not is_head and name not in met:
                continue
            placement = loaded.graph.placement()
            told: tuple[LayerTime, ...] | NotTold = NotTold(
                f"the engine {loaded.engine} has no interface that tells the time of a layer"
            )
            if isinstance(loaded.graph, TellsLayerTimes):
                told = loaded.graph.layer_times()
            found[name] = (
                Layers(placement=placement, times=None, why=told.why)
                if isinstance(told, NotTold)
                else Layers(placement=placement, times=told)
            )
        return found

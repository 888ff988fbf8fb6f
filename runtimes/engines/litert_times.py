"""How long the operators of a TFLite graph take: told by LiteRT's own profiler.

XNNPACK takes a graph over as one node; the profiler tells of its operators all the same. They are
XNNPACK's own, after its fusing, in the order they run; there is no way from them to the graph's.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle, islice
from types import ModuleType

from .layer_times import LayerTime, NotTold, layer_times
from .litert_c import Event, ProfiledModel, why_not
from .protocol import Tensors

#: Runs that are measured, after one that is not: whole microseconds need many.
RUNS = 60
# The kinds of events, as bits: an operator of the interpreter, and two of a delegate's.
_OWN, _DELEGATED = 1 << 1, (1 << 2) | (1 << 3)


def litert_times(
    library: ModuleType,
    version: str,
    graph: bytes,
    threads: int,
    feeds: Sequence[Tensors],
    providers: tuple[str, str],
) -> tuple[LayerTime, ...] | NotTold:
    """The operators, slowest first.

    The graph runs anew, in the compiled model of the library that has the profiler; its kernels
    are those of the interpreter. Times are rounded down to microseconds, each for itself.

    Args:
        library, version: the interpreter's module.
        graph: a TFLite graph.
        threads: of XNNPACK.
        feeds: inputs by the graph's own names and types, taken in turns.
        providers: what to call the delegate, and the interpreter's own kernels.

    Raises:
        EngineError: LiteRT refuses the graph, or fails.
    """
    missing = why_not(library, version)
    if missing:
        return NotTold(missing)
    if not feeds:
        return NotTold("the graph has not run yet")
    model = ProfiledModel(library, graph, threads)
    found: dict[tuple[str, str, str], list[float]] = {}
    try:
        for feed in islice(cycle(feeds), RUNS + 1):
            model.start()
            model.run(feed)
            operators = [e for e in model.events() if e.kind & (_OWN | _DELEGATED)]
            for place, event in enumerate(operators):
                found.setdefault(_key(place, event, providers), []).append(event.microseconds)
    finally:
        model.close()
    times = layer_times(found, skip=1, whole=True)
    if times and not any(layer.median_us for layer in times):
        return NotTold("each operator takes less than the microsecond that LiteRT counts in")
    return times


def _key(place: int, event: Event, providers: tuple[str, str]) -> tuple[str, str, str]:
    delegate, own = providers
    return f"#{place}", event.tag, delegate if event.kind & _DELEGATED else own

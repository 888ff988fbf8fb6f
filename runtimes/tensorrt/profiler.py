"""The time of every layer, as TensorRT reports it while a context runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..engines.layer_times import LayerTime, layer_times
from .binding import Binding

if TYPE_CHECKING:
    import tensorrt


class LayerProfiler:
    """Collects what TensorRT reports; with one set, each run waits for its last layer.

    Args:
        trt: the binding.
    """

    def __init__(self, trt: Binding) -> None:
        self._times: dict[str, list[float]] = {}
        base, times = trt.IProfiler, self._times

        def __init__(this: tensorrt.IProfiler) -> None:
            base.__init__(this)

        def report_layer_time(this: tensorrt.IProfiler, layer_name: str, ms: float) -> None:
            times.setdefault(layer_name, []).append(1e3 * ms)

        members = {"__init__": __init__, "report_layer_time": report_layer_time}
        kind = type("EdgeProfiler", (base,), members)
        #: What a context takes as its ``profiler``.
        self.profiler: tensorrt.IProfiler = kind()

    def layer_times(self, provider: str, kinds: Mapping[str, str]) -> tuple[LayerTime, ...]:
        """The layers, slowest first, without the first run.

        Args:
            provider: what ran them.
            kinds: by a layer's name its kind, as far as the build told it.
        """
        named = {(n, kinds.get(n, "?"), provider): times for n, times in self._times.items()}
        return layer_times(named, skip=1)

"""Progress of a build, and the way to stop it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .binding import Binding

if TYPE_CHECKING:
    import tensorrt

#: Called with the phase, what is done and what is to do; False stops the build.
Step = Callable[[str, int, int], bool]


def progress_monitor(trt: Binding, step: Step) -> tensorrt.IProgressMonitor | None:
    """A monitor that passes the build's outermost phase on to ``step``.

    TensorRT nests phases and calls from its own threads. None where the binding has no monitors.
    """
    base: Any = getattr(trt, "IProgressMonitor", None)
    if base is None:
        return None
    totals: dict[str, int] = {}
    outer: list[str] = []

    def __init__(this: tensorrt.IProgressMonitor) -> None:
        base.__init__(this)

    def phase_start(
        this: tensorrt.IProgressMonitor, phase_name: str, parent_phase: str | None, num_steps: int
    ) -> None:
        totals[phase_name] = num_steps
        if not parent_phase:
            outer[:] = [phase_name]
            step(phase_name, 0, num_steps)

    def step_complete(this: tensorrt.IProgressMonitor, phase_name: str, done: int) -> bool:
        if phase_name in outer:
            return step(phase_name, done + 1, totals[phase_name])
        # Steps of inner phases only ask whether to go on.
        current = outer[0] if outer else phase_name
        return step(current, -1, totals.get(current, 0))

    def phase_finish(this: tensorrt.IProgressMonitor, phase_name: str) -> None:
        if phase_name in outer:
            step(phase_name, totals[phase_name], totals[phase_name])

    methods = {
        "__init__": __init__,
        "phase_start": phase_start,
        "step_complete": step_complete,
        "phase_finish": phase_finish,
    }
    monitor: tensorrt.IProgressMonitor = type("EdgeMonitor", (base,), methods)()
    return monitor

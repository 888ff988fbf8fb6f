"""How busy the processor was between two moments, with this process and with others."""

from __future__ import annotations

import os
from pathlib import Path
from time import monotonic

import msgspec

from .files import text_of


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """Processor time over one stretch of wall time; 1.0 is one core all the time.

    Attributes:
        seconds: how long the stretch was.
        process: what this process and its threads took.
        machine: what all processes took; None where the kernel does not tell.
        stolen: what a hypervisor gave to other machines; None likewise.
        cores: how many this process may run on.
    """

    seconds: float
    process: float
    machine: float | None
    stolen: float | None
    cores: int

    @property
    def others(self) -> float | None:
        """What others took: a reason for doubt in a measurement."""
        return None if self.machine is None else max(0.0, self.machine - self.process)


class Load:
    """A stopwatch of processor time: :meth:`share` tells since the last call, or since it began."""

    def __init__(self, root: Path = Path("/")) -> None:
        self._stat = root / "proc/stat"
        self._last = self._now()

    def share(self) -> Share:
        """The share since the last call."""
        now = self._now()
        before, self._last = self._last, now
        seconds = max(now[0] - before[0], 1e-9)
        known = now[2] is not None and before[2] is not None
        machine = stolen = None
        if known:
            assert now[2] is not None
            assert before[2] is not None
            machine, stolen = (
                (a - b) / os.sysconf("SC_CLK_TCK") / seconds
                for a, b in zip(now[2], before[2], strict=True)
            )
        return Share(
            seconds=seconds,
            process=(now[1] - before[1]) / seconds,
            machine=machine,
            stolen=stolen,
            cores=len(os.sched_getaffinity(0)),
        )

    def _now(self) -> tuple[float, float, tuple[int, int] | None]:
        times = os.times()
        line = (text_of(self._stat) or "").partition("\n")[0].split()
        ticks = None
        if len(line) > 8 and line[0] == "cpu":
            user, nice, system, _idle, _wait, irq, soft, steal = (int(n) for n in line[1:9])
            ticks = (user + nice + system + irq + soft, steal)
        return monotonic(), times.user + times.system, ticks

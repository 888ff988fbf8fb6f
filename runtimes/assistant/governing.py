"""The governor of the assistant: cheaper rung, lighter recogniser, fewer pictures, when it must."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from edge_sdk.errors import EdgeError

from ..capture import Clock, FrameSource
from ..capture.camera import Camera
from ..governor import Governor, LadderGovernor, Level, Policy
from ..governor.watch import Sensors, Watch
from ..probes.vitals import VitalsReader
from ..session import FusionSession
from .events import Failed, Moved
from .loop import Assistant


def levels_for(rungs: Sequence[str], light: bool) -> tuple[Level, ...]:
    """Levels of an assistant, costliest first: pictures, then the recogniser, then the rungs."""
    full, *cheaper = rungs
    levels = [
        Level(name="full", rung=full),
        Level(name="camera 5 fps", rung=full, camera_fps=5.0),
    ]
    if light:
        levels.append(Level(name="light recogniser", rung=full, camera_fps=2.0, light=True))
    levels += [
        Level(name=f"rung {rung}", rung=rung, camera_fps=2.0, light=light) for rung in cheaper
    ]
    return tuple(levels)


class Governing:
    """Moves an assistant along the levels of a governor; made once, it lives with the loop.

    Args:
        assistant: which hears of moves as events, and calls back on each pass of its loop.
        session: whose rung is changed; all rungs of the levels are loaded now.
        governor: what decides.
        camera: whose rate is lowered, where it is one that can be.
        clock: of the loop.
        sensors: what the governor is shown.

    Raises:
        EngineError, BundleError: a rung cannot be loaded.
    """

    def __init__(
        self,
        assistant: Assistant,
        session: FusionSession,
        governor: Governor,
        camera: FrameSource | None,
        clock: Clock,
        sensors: Callable[[], Sensors] = VitalsReader,
    ) -> None:
        self._assistant, self._session, self._camera = assistant, session, camera
        self._clock = clock
        self._watch = Watch(governor, sensors=sensors)
        self._level = governor.level
        wanted = {level.rung for level in governor.levels}
        session.prepare(*(rung for rung in session.rungs if rung in wanted))
        self._apply(self._level)
        self._watch.start(clock.now())
        assistant.beat(self._beat)

    def _beat(self) -> None:
        now = self._clock.now()
        move = self._watch.look(now)
        if move is None:
            return
        try:
            self._apply(move.level)
        except EdgeError as error:
            self._assistant.tell(Failed(now, "governor", str(error)))
            return
        before, self._level = self._level.name, move.level
        self._assistant.tell(Moved(now, before, move.level.name, move.reason))

    def _apply(self, level: Level) -> None:
        if level.rung is not None and level.rung in self._session.rungs:
            self._session.rung = level.rung
        thinker = self._assistant.thinker
        if thinker.recognisers:
            thinker.recogniser = thinker.recognisers[-1 if level.light else 0]
        if isinstance(self._camera, Camera):
            self._camera.rate = level.camera_fps


def governor_for(policy: Policy, session: FusionSession, light: bool) -> LadderGovernor:
    """The governor of a policy; one without levels takes those of :func:`levels_for`.

    Raises:
        UsageError: the policy contradicts itself.
    """
    if not policy.levels:
        policy = msgspec.structs.replace(policy, levels=levels_for(session.rungs, light))
    return LadderGovernor(policy)

"""What a governor's level means for a live stream: its rung, its rates, what is left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..capture import Camera, FrameSource
from ..governor import Level, Move
from ..governor.watch import Watch
from .options import StreamOptions
from .senses import Senses

if TYPE_CHECKING:
    from ..session import FusionSession


class Governing:
    """Shows a governor how the stream does, and does what it says.

    Args:
        session: whose rung is changed; what the levels need is loaded now.
        senses: of the stream.
        watch: what shows the governor how things go.
        camera: whose rate is lowered, where it is one that can be.
        options: of the stream; a level never asks for more than they do.

    Raises:
        EngineError, BundleError: a rung cannot be loaded.
    """

    def __init__(
        self,
        session: FusionSession,
        senses: Senses,
        watch: Watch,
        camera: FrameSource | None,
        options: StreamOptions,
    ) -> None:
        self._session, self._senses, self.watch = session, senses, watch
        self._camera, self._options = camera, options
        self._prepare(watch.governor.levels)
        self.apply(watch.governor.level)

    def look(self, now: float) -> Move | None:
        """What the governor wants changed, if it was time to ask it."""
        return self.watch.look(now)

    def apply(self, level: Level) -> None:
        """Go on at this level.

        Raises:
            EngineError, BundleError: its rung cannot be loaded.
        """
        session, options, senses = self._session, self._options, self._senses
        senses.level = level
        if level.rung in session.rungs and level.rung is not None:
            session.rung = level.rung
        if senses.sight is not None:
            rates = [fps for fps in (level.camera_fps, options.camera_fps) if fps is not None]
            senses.sight.fps = min(rates, default=None)
            if isinstance(self._camera, Camera):
                # What is not looked at need not be decoded; a replay decodes what is asked for.
                self._camera.rate = senses.sight.fps
        senses.follow_rung()
        if senses.hearing is not None:
            senses.hearing.pace(max(options.hop_seconds, (level.hop_ms or 0) / 1e3))

    def _prepare(self, levels: tuple[Level, ...]) -> None:
        """Load all that the governor may choose, and go back to where we were."""
        session, before = self._session, self._session.rung
        for rung in {level.rung for level in levels if level.rung in session.rungs}:
            assert rung is not None
            session.rung = rung
            if self._senses.hearing is not None:
                self._senses.hearing.prepare()
        session.rung = before

"""The pictures of a live stream: which frame is looked at, and which belongs to the sound."""

from __future__ import annotations

from collections import deque
from typing import Any

from numpy.typing import NDArray

from ..capture.protocol import Frame, FrameSource

#: Pictures whose embeddings are kept.
_KEPT = 8


class Sight:
    """Gives frames to encode at the wanted rate, and keeps what was made of the last ones.

    Args:
        camera: started by its owner.
        fps: the most frames a second that are worth encoding; None: every one.
        farthest: seconds between a frame and a moment beyond which it does not belong to it.
    """

    def __init__(self, camera: FrameSource, fps: float | None, farthest: float) -> None:
        self._camera = camera
        self.farthest = farthest
        self.fps = fps
        self._seen: deque[tuple[float, dict[str, NDArray[Any]]]] = deque(maxlen=_KEPT)
        self._number: int | None = None
        self._due = float("-inf")

    @property
    def due(self) -> float:
        """When the next frame is worth a look, on the clock."""
        return self._due

    def fresh(self, now: float, timeout: float = 0.0) -> Frame | None:
        """A frame that was not looked at, where one is due and young enough.

        Raises:
            StreamEnded, CaptureError: as :meth:`FrameSource.newest`.
        """
        # Sleeps end where floats round.
        if now < self._due - 1e-6:
            return None
        frame = self._camera.newest(self._number, timeout)
        if frame is None:
            return None
        self._number = frame.number
        if now - frame.time > self.farthest:
            return None
        if self.fps is not None:
            # On average the wanted rate, though frames come at their own times.
            period = 1.0 / self.fps
            self._due = max(self._due + period, frame.time)
        return frame

    def keep(self, frame: Frame, embeddings: dict[str, NDArray[Any]]) -> None:
        """Remember what a frame was encoded to, by modality."""
        self._seen.append((frame.time, embeddings))

    def nearest(self, moment: float) -> tuple[float, dict[str, NDArray[Any]]] | None:
        """Time and embeddings of the frame nearest to ``moment``; None where none is near."""
        best = min(self._seen, key=lambda seen: abs(seen[0] - moment), default=None)
        return best if best is not None and abs(best[0] - moment) <= self.farthest else None

    @property
    def blank(self) -> bool:
        """Whether no frame was encoded yet."""
        return not self._seen

    def forget(self) -> None:
        """Another encoder: what was made of the last frames is of no use, so look again at once."""
        self._seen.clear()
        self._number = None
        self._due = float("-inf")

"""From the scores of a wake word's network to the times that its phrase is said."""

from __future__ import annotations

from edge_sdk.errors import UsageError


class Hearings:
    """Counts a phrase once each time it is said, however long its score stays high.

    Args:
        threshold: the probability from which the phrase counts as heard.
        apart: between two times that it is said, in the unit of :meth:`pass_by`.

    Raises:
        UsageError: the threshold is outside (0, 1).
    """

    def __init__(self, threshold: float, apart: int) -> None:
        if not 0 < threshold < 1:
            raise UsageError(
                f"A wake word's threshold lies between 0 and 1; {threshold:g} was given."
            )
        self._threshold, self._apart = threshold, apart
        self.reset()

    def reset(self) -> None:
        """Forget what was heard so far."""
        self._quiet = self._apart

    def pass_by(self, time: int) -> None:
        """So much sound went by."""
        self._quiet += time

    def take(self, score: float) -> float | None:
        """The score where the phrase is heard anew."""
        if score <= self._threshold:
            return None
        again, self._quiet = self._quiet <= self._apart, 0
        return None if again else score

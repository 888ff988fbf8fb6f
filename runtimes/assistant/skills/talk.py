"""Skills about the talk itself."""

from __future__ import annotations

from ..turn import Answer, Home, Turn


def repeat(turn: Turn, home: Home) -> Answer:
    """Say the last answer again."""
    return Answer(text=home.last or "I have not said anything yet.")


def stop(turn: Turn, home: Home) -> Answer:
    """Fall silent, and drop what rings or is set to."""
    count = home.timers.clear()
    if count:
        return Answer(
            text="The timer is off." if count == 1 else f"{count} timers are off.", follow_up=False
        )
    return Answer(follow_up=False)


def not_for_me(turn: Turn, home: Home) -> Answer:
    """Nothing: it was said to somebody else."""
    return Answer(follow_up=False)

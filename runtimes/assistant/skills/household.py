"""The time, timers, the volume."""

from __future__ import annotations

from ..durations import parse_duration, spoken_duration
from ..turn import Answer, Home, Turn

_STEP = 15
_USUAL_TIMER = 300


def time_of_day(turn: Turn, home: Home) -> Answer:
    """Say the time."""
    now = home.now()
    half = (
        "in the morning" if now.hour < 12 else "in the afternoon" if now.hour < 18 else "at night"
    )
    minute = "o'clock" if now.minute == 0 else f"{now.minute:02d}"
    return Answer(text=f"It is {(now.hour - 1) % 12 + 1} {minute} {half}.")


def timer(turn: Turn, home: Home) -> Answer:
    """Start a timer for as long as was said; without a length, for five minutes."""
    seconds = parse_duration(turn.transcript.text)
    length = spoken_duration(seconds or _USUAL_TIMER)
    home.timers.set(length, seconds or _USUAL_TIMER)
    if seconds is None:
        return Answer(text=f"I did not hear for how long. I set a timer for {length}.")
    return Answer(text=f"The timer is set for {length}.")


def volume_up(turn: Turn, home: Home) -> Answer:
    """Louder."""
    if home.volume >= 100:
        return Answer(text="I can not be any louder.")
    home.volume = min(100, home.volume + _STEP)
    return Answer(text=f"The volume is {home.volume} percent now.")


def volume_down(turn: Turn, home: Home) -> Answer:
    """Quieter, but never silent."""
    if home.volume <= 10:
        return Answer(text="I can not be any quieter.")
    home.volume = max(10, home.volume - _STEP)
    return Answer(text=f"The volume is {home.volume} percent now.")

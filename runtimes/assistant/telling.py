"""Events of the loop as lines for a person."""

from __future__ import annotations

from . import events as happened
from .events import AssistantEvent


def line(event: AssistantEvent) -> str | None:
    """One line; None for what nobody needs to read."""
    match event:
        case happened.StateChanged():
            return f"[{event.after}] {event.reason}"
        case happened.Woken():
            how = ", cutting the answer short" if event.barged_in else ""
            return f"woken by {event.phrase!r} ({event.score:.2f}){how}"
        case happened.SelfHeard():
            return f"heard itself say {event.phrase!r}: ignored"
        case happened.Recognised():
            sure = "" if event.confidence is None else f", {event.confidence:.2f}"
            return f"heard {event.text!r} ({event.recogniser}{sure})"
        case happened.Understood():
            heads = ", ".join(f"{n} {label} {p:.2f}" for n, (label, p) in event.heads.items())
            return f"understood {heads} (from {', '.join(event.used)})"
        case happened.Answered():
            times = ", ".join(f"{stage} {ms:.0f}" for stage, ms in event.milliseconds.items())
            said = repr(event.text) if event.text else "nothing"
            return f"answers {said} ({event.skill}; milliseconds: {times})"
        case happened.SpeechStarted() if event.latency is not None:
            return f"speaks {event.latency:.2f} s after the end of the question"
        case happened.SpeechEnded() if event.cut is not None:
            return f"was cut short by {event.cut!r}"
        case happened.TimerRang():
            return f"the timer for {event.name} is over"
        case happened.Happened():
            return f"{event.source}: {event.what}"
        case happened.Failed():
            return f"{event.stage} failed: {event.sentence}"
    return None

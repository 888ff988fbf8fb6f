"""The figures of the turns as text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import quantiles

from .play import Outcome


def table(outcomes: Sequence[Outcome]) -> Iterable[str]:
    """Lines: wake rate, intents, cards and answers by condition."""
    yield (
        f"{'condition':20} {'turns':>5} {'woken':>6} {'intent':>7} {'of all':>7} {'card':>6} "
        f"{'answer':>7}"
    )
    conditions = list(dict.fromkeys(outcome.asked.condition for outcome in outcomes))
    for condition in [*conditions, "all"]:
        own = [o for o in outcomes if condition in (o.asked.condition, "all")]
        heard = [o for o in own if o.woken]
        seen = [o for o in heard if o.understood is not None]
        yield (
            f"{condition:20} {len(own):5} {_share(o.woken for o in own)} "
            f" {_share(o.intent_right for o in heard)} "
            f" {_share(o.intent_right for o in own)} "
            f"{_share(o.card_right for o in seen)} "
            f" {_share(o.answer_right for o in own)}"
        )
    yield "(intent: of the turns it woke for, then of all; card: of those it looked at)"


def wrong(outcomes: Sequence[Outcome]) -> Iterable[str]:
    """Lines: what went wrong, turn by turn."""
    for outcome in outcomes:
        asked = outcome.asked
        if outcome.woken and outcome.intent_right and outcome.answer_right:
            continue
        heard = "not woken"
        if outcome.woken:
            found = outcome.understood
            label, sure = ("nothing", 1.0) if found is None else found.heads["intent"]
            text = outcome.heard.text if outcome.heard else ""
            heard = f"heard {text!r}, {label} {sure:.2f}"
            if not outcome.card_right and found is not None:
                heard += f", {asked.card} taken for {found.heads['card'][0]}"
        yield (
            f"  {asked.condition}, {'/'.join(asked.voice)}: {asked.intent or 'silence'} "
            f"{asked.text!r}: {heard}"
        )


def latency(outcomes: Sequence[Outcome]) -> Iterable[str]:
    """Lines: end of speech to the first sound of the answer, cold and warm, and its stages."""
    timed = [o for o in outcomes if o.seconds is not None and o.asked.condition != "silence"]
    if len(timed) < 3:
        return
    cold, warm = timed[0], timed[1:]
    seconds = [o.seconds or 0.0 for o in warm]
    p50, p90 = quantiles(seconds, n=10)[4], quantiles(seconds, n=10)[8]
    yield f"end of speech to first sound: p50 {p50:.2f} s, p90 {p90:.2f} s ({len(warm)} answers)"
    yield f"the first answer after the start: {cold.seconds:.2f} s"
    totals: dict[str, float] = {}
    for outcome in warm:
        assert outcome.answered is not None
        stages = {k: v / 1000 for k, v in outcome.answered.milliseconds.items()}
        stages["end of speech"] = (outcome.seconds or 0.0) - sum(stages.values())
        for stage, value in stages.items():
            totals[stage] = totals.get(stage, 0.0) + value
    whole = sum(totals.values())
    listed = ", ".join(
        f"{stage} {value / len(warm):.3f} s ({value / whole:.0%})"
        for stage, value in sorted(totals.items(), key=lambda item: -item[1])
    )
    yield f"of it, on average: {listed}"


def _share(values: Iterable[bool]) -> str:
    found = list(values)
    return f"{sum(found) / len(found):6.0%}" if found else f"{'-':>6}"

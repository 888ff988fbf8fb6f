"""Skills about the thing in front of the camera; they say only what the model is sure of."""

from __future__ import annotations

from ..turn import Answer, Home, Turn

_UNSEEN = Answer(text="I can not see anything. My camera is off.")


def _thing(turn: Turn, home: Home) -> tuple[str | None, Answer | None]:
    """The label of the thing, or what to say instead."""
    if not turn.seen:
        return None, _UNSEEN
    found = turn.head(home.config.heads.object)
    if found is None:
        return None, Answer(text="I have not learned to name things.")
    label, confidence = found
    if label in home.config.nothing:
        return None, Answer(text="I do not see a card. Hold it in front of me, please.")
    if confidence < home.config.thresholds.object:
        return None, Answer(text="I am not sure. Hold it closer and ask me again, please.")
    return label, None


def what_is_this(turn: Turn, home: Home) -> Answer:
    """Name the thing, and say so where the model is not quite sure."""
    label, instead = _thing(turn, home)
    if label is None:
        return instead or _UNSEEN
    name = home.name(label)
    found = turn.head(home.config.heads.object)
    sure = found is not None and found[1] >= (1 + home.config.thresholds.object) / 2
    return Answer(text=f"This is {_article(name)}." if sure else f"I think it is {_article(name)}.")


def what_kind(turn: Turn, home: Home) -> Answer:
    """Say what kind of thing it is."""
    if not turn.seen:
        return _UNSEEN
    found = turn.head(home.config.heads.kind)
    if found is None:
        return Answer(text="I have not learned any kinds.")
    label, confidence = found
    if confidence < home.config.thresholds.object:
        return Answer(text="I am not sure what kind it is. Hold it closer, please.")
    return Answer(text=f"It belongs to {home.name(label)}.")


def spell_it(turn: Turn, home: Home) -> Answer:
    """Spell the thing's name."""
    label, instead = _thing(turn, home)
    if label is None:
        return instead or _UNSEEN
    name = home.name(label)
    letters = ", ".join(letter.upper() for letter in name if letter.isalnum())
    return Answer(text=f"{name.capitalize()}: {letters}.")


def what_sound(turn: Turn, home: Home) -> Answer:
    """Say the sound the thing makes, where the configuration has one."""
    label, instead = _thing(turn, home)
    if label is None:
        return instead or _UNSEEN
    thing = home.config.things.get(label)
    name = home.name(label)
    if thing is None or not thing.sound:
        return Answer(text=f"I do not know a sound for {_article(name)}.")
    return Answer(text=f"{_article(name).capitalize()} goes {thing.sound}.")


def remember_it(turn: Turn, home: Home) -> Answer:
    """Keep the thing on a list."""
    label, instead = _thing(turn, home)
    if label is None:
        return instead or _UNSEEN
    if label not in home.remembered:
        home.remembered.append(label)
    count = len(home.remembered)
    return Answer(
        text=f"I will remember the {home.name(label)}. "
        f"That makes {count} {'card' if count == 1 else 'cards'}."
    )


def next_card(turn: Turn, home: Home) -> Answer:
    """Ask for the next thing."""
    return Answer(text="All right. Show me the next card.")


def _article(name: str) -> str:
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"

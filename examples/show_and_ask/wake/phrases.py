"""The phrases that can be trained: how to have them said, and what only sounds like them."""

from __future__ import annotations

from dataclasses import dataclass

from edge_sdk.errors import UsageError


@dataclass(frozen=True)
class Phrase:
    """A phrase: its ``spellings`` make synthesisers say it in several ways, ``near`` sounds like
    it and is not; ``interrupts``: it is said while the assistant speaks."""

    text: str
    spellings: tuple[str, ...]
    near: tuple[str, ...]
    interrupts: bool = False


_NEAR_OKAY_NABU = (
    *("okay", "nabu", "okay now", "okay nah", "okay boo", "hey nabu", "okay maybe", "okay nathan"),
    *("okay nancy", "okay no", "okay nap", "okay number two", "who knew", "okay lamb", "okay who"),
    *("okay noodle", "the bamboo", "okay bamboo", "taboo", "okay tattoo", "okay now do it"),
    *("okay then you do", "can I do", "avenue", "okay nobody", "okay never", "okay navy"),
    *("a caboose", "a can of food", "no can do", "I can argue", "okay can you", "okay not you"),
    *("the caribou", "okay cuckoo", "okay robert", "hey computer", "I know you do"),
    "oh good and you",
)
_NEAR_STOP = (
    *("shop", "top", "stock", "step", "start", "stuff", "spot", "stand up", "up", "sport", "story"),
    *("store", "staff", "steps", "dot", "stay", "star", "stump", "pop", "drop", "scarf", "strap"),
    *("what's up", "top shelf", "still", "stone", "dark", "it's tough", "that spot", "next door"),
    *("on top", "hot", "stored", "sob", "swap", "slop", "strong", "lots of", "a cup", "shut up"),
)
_PHRASES = (
    Phrase(
        "okay nabu",
        ("okay nabu", "okay nabu", "okay nabu", "okay, nabu", "okay naboo", "okay nahboo"),
        _NEAR_OKAY_NABU,
    ),
    Phrase(
        "stop",
        ("stop", "stop", "stop", "stop it", "stop please", "stop now", "okay stop"),
        _NEAR_STOP,
        interrupts=True,
    ),
)


def phrase(text: str) -> Phrase:
    """The phrase that is written so.

    Raises:
        UsageError: nobody wrote down how it is said.
    """
    for found in _PHRASES:
        if found.text == text.lower():
            return found
    known = ", ".join(repr(found.text) for found in _PHRASES)
    raise UsageError(
        f"How {text!r} is said is not written down; known: {known}. Add a Phrase to "
        "examples/show_and_ask/wake/phrases.py: spellings, and what sounds like it."
    )

"""More ways to say the same, for the training in noise: who has read ten sentences an intent knows
ten sentences.

They are in ``phrasings/INTENT.txt``, one sentence a line. None of them is a wording of
:mod:`.commands` in any split, nor one of the same intent in the validation or the test with one
word more, less or changed.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).with_name("phrasings")


@cache
def phrasings(intent: str) -> tuple[str, ...]:
    """The further sentences that express ``intent``, for training alone."""
    return tuple((_FOLDER / f"{intent}.txt").read_text(encoding="utf-8").splitlines())

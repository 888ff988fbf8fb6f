"""One thing the doctor looked at."""

from __future__ import annotations

from typing import Literal

import msgspec

from edge_sdk.errors import EdgeError


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What was looked at, whether it works here, what was found, and what mends it.

    ``ok`` works; ``absent`` is optional and not here; ``bad`` keeps something asked for from
    working.
    """

    subject: str
    state: Literal["ok", "absent", "bad"]
    detail: str
    mend: str = ""


def absent(subject: str, error: EdgeError) -> Finding:
    """What an error says is not here, the command at its end apart."""
    sentence, colon, command = str(error).partition(": pip install")
    mend = f"pip install{command.rstrip('.')}" if colon else ""
    return Finding(subject=subject, state="absent", detail=sentence, mend=mend)

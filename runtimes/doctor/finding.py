"""One thing the doctor looked at."""

from __future__ import annotations

from typing import Literal

import msgspec


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What was looked at, whether it works here, what was found, and what mends it.

    ``ok`` works; ``absent`` is optional and not here; ``bad`` keeps something asked for from
    working.
    """

    subject: str
    state: Literal["ok", "absent", "bad"]
    detail: str
    mend: str = ""

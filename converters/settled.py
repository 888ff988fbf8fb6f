"""How a target of a supervised conversion ended."""

from __future__ import annotations

import msgspec

from edge_sdk.errors import EdgeError

from .report import ConversionReport
from .supervise import Trouble


class Settled(msgspec.Struct, frozen=True, kw_only=True):
    """One target's end: a report, or what went wrong."""

    target: str
    report: ConversionReport | None = None
    trouble: Trouble | None = None

    @property
    def error(self) -> EdgeError | None:
        """What went wrong, if something did."""
        return None if self.trouble is None else self.trouble.error()

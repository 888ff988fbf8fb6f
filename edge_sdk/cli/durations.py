"""Times on the command line: ``200ms``, ``1.5s``, ``2m``; a bare number is seconds."""

from __future__ import annotations

import re
from typing import Any

import click

_UNITS = {"ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "": 1.0}


class Duration(click.ParamType):
    """Seconds above 0, as a float."""

    name = "duration"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        if isinstance(value, float):
            return value
        found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|)", str(value).strip())
        if found is None or not float(found[1]) > 0:
            self.fail(f"{value!r} is no duration above 0; write 200ms, 1.5s or 2m.", param, ctx)
        return float(found[1]) * _UNITS[found[2]]

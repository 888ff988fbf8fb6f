"""Times on the command line: ``200ms``, ``1.5s``, ``2m``; a bare number is seconds."""

from __future__ import annotations

import re

import click

_UNITS = {"ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "": 1.0}


def duration(text: str) -> float:
    """Seconds above 0; for the ``type`` of an option."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|)", text.strip())
    if found is None or not float(found[1]) > 0:
        raise click.BadParameter(f"{text!r} is no duration above 0; write 200ms, 1.5s or 2m.")
    return float(found[1]) * _UNITS[found[2]]

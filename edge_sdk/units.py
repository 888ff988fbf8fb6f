"""Lengths of time and amounts of bytes as people write them: ``25ms``, ``2MB``."""

from __future__ import annotations

import re

_TIMES = {"us": 1e-3, "ms": 1.0, "s": 1e3}
# As disks and downloads are counted; KiB and MiB are the powers of two.
_SIZES = {"b": 1, "kb": 1e3, "mb": 1e6, "gb": 1e9, "kib": 2**10, "mib": 2**20, "gib": 2**30}


def parse_milliseconds(text: str) -> float:
    """``25ms``, ``0.5 s`` or ``800us`` in milliseconds.

    Raises:
        ValueError: there is no number, or no unit; says which are known.
    """
    return _parse(text, _TIMES, "a length of time", "25ms, 0.5s")


def parse_bytes(text: str) -> int:
    """``2MB``, ``500 kB`` or ``1.5MiB`` in bytes.

    Raises:
        ValueError: there is no number, or no unit; says which are known.
    """
    return round(_parse(text, _SIZES, "a size", "500KB, 2MB, 1.5MiB"))


def format_bytes(size: float) -> str:
    """``size`` bytes as they would be written in an option, rounded up in the third digit."""
    unit, scale = ("MB", 1e6) if size >= 1e6 else ("KB", 1e3)
    return f"{_up(size / scale)}{unit}"


def format_milliseconds(time: float) -> str:
    """``time`` milliseconds as they would be written in an option, rounded up."""
    return f"{_up(time)}ms"


def _up(value: float) -> str:
    """Three digits, never less than ``value``: a budget that is advised must hold."""
    digits = 2
    while value >= 10 ** (3 - digits) and digits > 0:
        digits -= 1
    step = 10.0**-digits
    rounded = round(value / step) * step
    return f"{rounded if rounded >= value else rounded + step:.{digits}f}"


def _parse(text: str, units: dict[str, float], what: str, examples: str) -> float:
    found = re.fullmatch(r"\s*([0-9]*\.?[0-9]+)\s*([a-zA-Z]*)\s*", text)
    unit = found.group(2).lower() if found else ""
    if found is None or unit not in units:
        why = f"{text!r} is not {what}"
        if found is not None and not unit:
            why = f"{text!r} has no unit"
        elif found is not None:
            why = f"{text!r} has the unit {found.group(2)!r}, and {what} has not"
        raise ValueError(f"{why}; write it as {examples}")
    value = float(found.group(1)) * units[unit]
    if not value > 0:
        raise ValueError(f"{text!r} must be more than nothing")
    return value

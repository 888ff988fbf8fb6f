"""Lengths of time in words: "two and a half minutes", "an hour and ten minutes", "90 seconds"."""

from __future__ import annotations

_UNITS = {"second": 1, "seconds": 1, "minute": 60, "minutes": 60, "hour": 3600, "hours": 3600}
_ONES = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
    *("ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen"),
    *("eighteen", "nineteen"),
)
_TENS = {
    "twenty": 20,
    "thirty": 30,
    "forty": 40,
    "fifty": 50,
    "sixty": 60,
    "seventy": 70,
    "eighty": 80,
    "ninety": 90,
}
_LONGEST = 24 * 3600


def parse_duration(text: str) -> int | None:
    """Seconds that ``text`` speaks of; None where it names no length, or one over a day."""
    total, unit = 0.0, 0
    number: float | None = None
    article = False
    for word in text.lower().replace("-", " ").replace(",", " ").split():
        value = _number(word)
        if value is not None:
            joins = number is not None and number in _TENS.values() and value < 10
            number, article = (number or 0) + value if joins else value, False
        elif word in ("a", "an") and number is None:
            number, article = 1, True
        elif word == "half":
            if (number is None or article) and unit:  # "a minute and a half"
                total, number = total + unit / 2, None
            else:
                number = 0.5 if number is None or article else number + 0.5
            article = False
        elif word in _UNITS and number is not None:
            unit = _UNITS[word]
            total, number = total + number * unit, None
        elif word not in ("and", "a", "an"):
            number = None
    return round(total) if 0 < total <= _LONGEST else None


def _number(word: str) -> int | None:
    if word.isdecimal():
        return int(word)
    if word in _TENS:
        return _TENS[word]
    return _ONES.index(word) if word in _ONES else None


def spoken_duration(seconds: float) -> str:
    """Seconds in words with digits: "1 hour and 5 minutes", "40 seconds"."""
    left = max(0, round(seconds))
    parts = []
    for name, size in (("hour", 3600), ("minute", 60), ("second", 1)):
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {name}{'' if count == 1 else 's'}")
    if not parts:
        return "0 seconds"
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]

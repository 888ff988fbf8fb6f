"""Reading the kernel's small files."""

from __future__ import annotations

from pathlib import Path


def text_of(path: Path) -> str | None:
    """The stripped text of a file; None where it is missing or may not be read."""
    try:
        return path.read_text(errors="replace").strip("\0\n ")
    except OSError:
        return None


def number_of(path: Path) -> float | None:
    """The number in a file; None where there is none."""
    text = text_of(path)
    try:
        return None if text is None else float(text)
    except ValueError:
        return None

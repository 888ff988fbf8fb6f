"""A section of a page that a command of its own writes; another's rewriting keeps it."""

from __future__ import annotations

from pathlib import Path

from edge_sdk.files import replacing


def kept_section(path: Path, name: str) -> str:
    """The section ``name`` of the page at ``path`` with its marks; empty where there is none."""
    start, end = _marks(name)
    text = path.read_text() if path.is_file() else ""
    _, found, rest = text.partition(start)
    inside, closed, _ = rest.partition(end)
    return f"{start}{inside}{end}\n" if found and closed else ""


def write_section(path: Path, name: str, content: str) -> None:
    """Put ``content`` in the place of the section ``name``, or at the end of the page.

    Raises:
        StorageError: the page cannot be written.
    """
    start, end = _marks(name)
    section = f"{start}\n{content.rstrip()}\n{end}\n"
    text = path.read_text() if path.is_file() else ""
    old = kept_section(path, name)
    text = text.replace(old, section) if old else f"{text.rstrip()}\n\n{section}".lstrip()
    with replacing(path) as aside:
        aside.write_text(text)


def _marks(name: str) -> tuple[str, str]:
    return f"<!-- {name}: begin -->", f"<!-- {name}: end -->"

"""What works on this machine, what does not, and the command that mends it.

A check is a function that yields findings; :data:`CHECKS` lists them in the order of the report.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from edge_sdk.bundle import Bundle

from .bundle import check_bundle
from .capture import check_cameras, check_microphones
from .finding import Finding
from .machine import check_machine
from .software import check_decoders, check_engines

__all__ = ["CHECKS", "Finding", "examine"]

CHECKS: tuple[Callable[[], Iterator[Finding]], ...] = (
    check_machine,
    check_engines,
    check_decoders,
    check_microphones,
    check_cameras,
)


def examine(bundle: Bundle | None = None) -> list[Finding]:
    """All findings on this machine, and on ``bundle`` if one is given."""
    findings = [finding for check in CHECKS for finding in check()]
    if bundle is not None:
        findings += check_bundle(bundle)
    return findings

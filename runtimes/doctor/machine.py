"""The processor and what it means for int8."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from importlib.metadata import version

from edge_sdk.errors import UsageError
from edge_sdk.targets import detect_local

from .finding import Finding


def check_machine() -> Iterator[Finding]:
    """The SDK's own version, Python, and the processor with its instruction sets."""
    yield Finding(
        subject="edge-sdk",
        state="ok",
        detail=f"{version('edge-sdk')} on Python {platform.python_version()}, {platform.system()}",
    )
    try:
        local = detect_local()
    except UsageError as error:
        yield Finding(subject="processor", state="bad", detail=str(error))
        return
    features = ", ".join(local.features) or "no instruction sets of note"
    yield Finding(
        subject="processor",
        state="ok",
        detail=f"{local.cpu} ({local.arch}): {features}; {local.cores} cores, "
        f"{local.memory_mb} MB of memory",
    )
    bits = (
        "7-bit weights only: no VNNI, so full-range int8 saturates"
        if local.int8.reduce_range
        else "computed exactly"
    )
    yield Finding(subject="int8", state="ok", detail=bits)

"""A live stream over sound that is injected, watched for what grows, gets lost or stays behind.

:func:`soak` runs on the device; ``edge-sdk soak`` and the suite for boards call it.
"""

from __future__ import annotations

from .result import Held, Losses, MemoryTrend, SoakResult
from .run import SoakOptions, soak

__all__ = ["Held", "Losses", "MemoryTrend", "SoakOptions", "SoakResult", "soak"]

"""Pruning that shrinks shapes, and recovery: a source in, a smaller source out.

What is here is plain data; the rest is imported when it is called.
"""

from .plan import Mask, PruningPlan, Recovery, as_plan
from .report import PruningReport

__all__ = ["Mask", "PruningPlan", "PruningReport", "Recovery", "as_plan"]

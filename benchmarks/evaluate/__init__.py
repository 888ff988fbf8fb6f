"""The answers of a bundle on this machine, over a labelled sample set."""

from __future__ import annotations

from .answers import evaluate
from .result import (
    Agreement,
    Answer,
    Evaluation,
    HeadScore,
    agreement,
    read_evaluation,
    write_evaluation,
)

__all__ = [
    "Agreement",
    "Answer",
    "Evaluation",
    "HeadScore",
    "agreement",
    "evaluate",
    "read_evaluation",
    "write_evaluation",
]

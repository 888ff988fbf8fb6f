"""Keeps a live device inside its deadline: moves along rungs and rates, and says why."""

from .ladder import LadderGovernor
from .policy import Down, Level, Policy, Up, default_policy, load_policy, read_policy
from .protocol import Governor, Move, Seen
from .watch import Watch

__all__ = [
    "Down",
    "Governor",
    "LadderGovernor",
    "Level",
    "Move",
    "Policy",
    "Seen",
    "Up",
    "Watch",
    "default_policy",
    "load_policy",
    "read_policy",
]

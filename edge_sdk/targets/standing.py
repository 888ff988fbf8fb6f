"""Whether times measured on one machine say which candidate is faster on another."""

from __future__ import annotations

from .profile import TargetProfile

# Instructions that decide whether int8 or floating point is faster.
_DECISIVE = frozenset({"avx512_vnni", "avx_vnni", "amx_int8", "asimddp", "i8mm", "fphp", "sve"})


def stands_for(machine: TargetProfile, target: TargetProfile) -> str | None:
    """Why the order of times on ``machine`` may not be that on ``target``; None if it is.

    Both must be of one architecture, and have the same instructions for int8: the clock may
    differ. Times themselves are ``machine``'s, always.
    """
    if machine.arch != target.arch:
        return f"it is {machine.arch} and {target.name} is {target.arch}"
    lacking = set(target.features) - set(machine.features)
    if lacking:
        return f"it lacks {', '.join(sorted(lacking))}, which {target.name} has"
    more = (set(machine.features) - set(target.features)) & _DECISIVE
    if more:
        return f"it has {', '.join(sorted(more))}, which {target.name} lacks"
    return None

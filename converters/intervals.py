"""How sure a share is that was measured on so many samples."""

from __future__ import annotations


def wilson(share: float, samples: int, z: float = 1.96) -> tuple[float, float]:
    """The 95 % interval (Wilson, 1927) of a share from 0 to 1 over ``samples`` samples.

    (0, 1) where there are none: nothing is known then.
    """
    if samples == 0:
        return (0.0, 1.0)
    scale = 1 + z**2 / samples
    middle = (share + z**2 / (2 * samples)) / scale
    spread = z * (share * (1 - share) / samples + z**2 / (4 * samples**2)) ** 0.5 / scale
    # The ends of 0 and 1 come out a rounding error beside themselves.
    return (max(0.0, min(share, middle - spread)), min(1.0, max(share, middle + spread)))

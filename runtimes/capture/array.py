"""Where the microphones of an array are."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_sdk.errors import InputError, UsageError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

#: Metres a second, in air of 20 degrees.
SPEED_OF_SOUND = 343.0
#: Microphones farther than this from one line are not in line, in metres.
_IN_LINE = 1e-4


@dataclass(frozen=True, eq=False)
class MicrophoneArray:
    """Places of microphones in metres, float64 ``[microphones, 3]``, in the order of the channels.

    Azimuths are in degrees from the x axis towards the y axis. An array in one line cannot tell
    the one side of the line from the other: there they count from the line, 0 to 180.
    """

    positions: NDArray[np.float64]

    @classmethod
    def of(cls, positions: object, name: str = "the array") -> MicrophoneArray:
        """An array from rows of two or three numbers, in metres.

        Raises:
            InputError: that is not what they are.
        """
        try:
            places = np.asarray(positions, np.float64)
        except (TypeError, ValueError) as error:
            raise InputError(f"The positions of {name} must be rows of x, y and z.") from error
        if places.ndim != 2 or places.shape[1] not in (2, 3) or not np.isfinite(places).all():
            raise InputError(f"The positions of {name} must be rows of x, y and z, in metres.")
        if not 2 <= len(places) <= 8:
            raise InputError(f"The positions of {name} must be 2 to 8, not {len(places)}.")
        flat = np.zeros((len(places), 3))
        flat[:, : places.shape[1]] = places
        flat -= flat.mean(axis=0)
        if np.abs(flat).max() > 5.0:
            raise InputError(f"The positions of {name} are metres apart; are they millimetres?")
        if np.ptp(flat, axis=0).max() < 1e-3:
            raise InputError(f"The microphones of {name} are all in one place.")
        return cls(flat)

    @classmethod
    def load(cls, name: str | Path) -> MicrophoneArray:
        """``line:4:0.05`` (number, metres between two), ``circle:4:0.032`` (number, radius), or a
        TOML file with ``positions = [[x, y], ...]`` in metres.

        Raises:
            UsageError: a line or circle that is not written so.
            InputError: the file is missing or holds no positions.
        """
        kind, _, rest = str(name).partition(":")
        if kind in ("line", "circle"):
            return cls._regular(kind, rest)
        path = Path(name)
        try:
            spec = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"There is no array at {path}: give a .toml file.") from error
        except tomllib.TOMLDecodeError as error:
            raise InputError(f"The array {path} is not TOML: {error}.") from error
        if "positions" not in spec:
            raise InputError(f"The array {path} has no positions = [[x, y], ...] in metres.")
        return cls.of(spec["positions"], str(path))

    @classmethod
    def _regular(cls, kind: str, rest: str) -> MicrophoneArray:
        try:
            number, metres = rest.split(":")
            count, length = int(number), float(metres)
        except ValueError as error:
            raise UsageError(
                f"An array is {kind}:NUMBER:METRES, such as {kind}:4:0.05, not {kind}:{rest}."
            ) from error
        index = np.arange(count)
        if kind == "line":
            return cls.of(np.stack([index * length, 0 * index], axis=1))
        angle = 2 * np.pi * index / max(1, count)
        return cls.of(length * np.stack([np.cos(angle), np.sin(angle)], axis=1))

    @property
    def channels(self) -> int:
        return len(self.positions)

    @property
    def linear(self) -> bool:
        """Whether all are in one line."""
        return bool(np.linalg.svd(self.positions, compute_uv=False)[1] < _IN_LINE)

    def delays(self, azimuths: NDArray[np.float64]) -> NDArray[np.float64]:
        """How much earlier than in the middle a plane wave arrives, in seconds.

        ``[azimuths, microphones]`` from degrees ``[azimuths]``, in the plane of x and y.
        """
        angle = np.deg2rad(azimuths)
        if self.linear:
            along = np.linalg.svd(self.positions)[2][0]
            along = along if along[np.argmax(np.abs(along))] > 0 else -along
            places = self.positions @ along
            return np.asarray(np.cos(angle)[:, None] * places[None] / SPEED_OF_SOUND)
        towards = np.stack([np.cos(angle), np.sin(angle), np.zeros_like(angle)], axis=1)
        return np.asarray(towards @ self.positions.T / SPEED_OF_SOUND)

"""A governor's policy as data: when to do less, when to do more again, and in what steps.

# policy.toml: everything has a default
period = 1.0                 # seconds between two looks

[down]                       # one of these for `seconds`, and it goes a level down
misses = 0.05                # share of decisions past the deadline
temperature = 80.0           # degrees Celsius
throttled = true             # the board says that it is slowed down
available_mb = 100           # less memory than this is left
seconds = 2.0

[up]                         # all of these for `seconds`, and it goes a level up
misses = 0.0
age = 0.8                    # 95th percentile of the data age, as a share of the deadline
load = 0.9                   # share of all cores that is busy
temperature = 72.0
available_mb = 150
seconds = 10.0

[[levels]]                   # from the costliest to the cheapest
name = "all"
camera_fps = 10.0

[[levels]]
name = "audio only"
rung = "small"
drop = ["image"]
hop_ms = 160
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from edge_sdk.errors import UsageError


class _Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class Level(_Table, frozen=True, kw_only=True):
    """How much is done.

    Attributes:
        name: for events.
        rung: of the bundle's ladder; a bundle without it stays where it is.
        camera_fps: the most pictures a second that are encoded; None: every one.
        hop_ms: how often audio is encoded, at the least every step of the model; None: as often
            as the stream was told.
        drop: modalities that are left out.
        light: whether the assistant takes its lighter recogniser.
    """

    name: str
    rung: str | None = None
    camera_fps: float | None = None
    hop_ms: float | None = None
    drop: tuple[str, ...] = ()
    light: bool = False


class Down(_Table, frozen=True, kw_only=True):
    """Pressure: any one of these, for ``seconds``; None is not looked at.

    ``load`` is none by default: a busy machine that keeps its deadlines is put to good use.
    """

    misses: float | None = 0.05
    age: float | None = None
    load: float | None = None
    temperature: float | None = 80.0
    throttled: bool | None = True
    available_mb: float | None = 100.0
    seconds: float = 2.0


class Up(_Table, frozen=True, kw_only=True):
    """Room: all of these, for ``seconds``; what is not known counts as room.

    A climb that has to be taken back within ``probation`` seconds doubles the wait for the next
    one, up to ``longest``; one that lasts takes it back to ``seconds``.
    """

    misses: float | None = 0.0
    age: float | None = 0.8
    load: float | None = 0.9
    temperature: float | None = 72.0
    throttled: bool | None = True
    available_mb: float | None = 150.0
    seconds: float = 10.0
    probation: float = 30.0
    longest: float = 600.0


class Policy(_Table, frozen=True, kw_only=True):
    """The content of a policy file."""

    period: float = 1.0
    down: Down = Down()
    up: Up = Up()
    levels: tuple[Level, ...] = ()


def default_policy(rungs: Sequence[str] = ("full",), blind: Sequence[str] = ()) -> Policy:
    """The policy for a bundle with these rungs, costliest first; ``blind`` ones take no picture.

    The camera comes first, as it costs most and a card held up stays a while; then cheaper rungs,
    then half as many audio steps, at last sound alone.
    """
    full, *cheaper = [rung for rung in rungs if rung not in blind] or ["full"]
    levels = [
        Level(name="full", rung=full, camera_fps=10.0),
        Level(name="camera 4 fps", rung=full, camera_fps=4.0),
    ]
    levels += [Level(name=f"rung {rung}", rung=rung, camera_fps=4.0) for rung in cheaper]
    last = [full, *cheaper][-1]
    levels.append(
        Level(name="camera 1 fps, hop 160 ms", rung=last, camera_fps=1.0, hop_ms=160.0, light=True)
    )
    alone = [rung for rung in rungs if rung in blind][:1]
    if alone:
        levels.append(
            Level(name=f"rung {alone[0]}, hop 160 ms", rung=alone[0], hop_ms=160.0, light=True)
        )
    else:
        levels.append(
            Level(
                name="no camera, hop 160 ms",
                rung=last,
                drop=("image", "video"),
                hop_ms=160.0,
                light=True,
            )
        )
    return Policy(levels=tuple(levels))


def load_policy(
    path: str | Path, rungs: Sequence[str] = ("full",), blind: Sequence[str] = ()
) -> Policy:
    """Read a policy; one without levels takes those of :func:`default_policy`.

    Raises:
        UsageError: the file is missing, malformed, or contradicts itself.
    """
    policy = read_policy(path)
    if not policy.levels:
        policy = msgspec.structs.replace(policy, levels=default_policy(rungs, blind).levels)
    check_policy(policy, str(path))
    return policy


def read_policy(path: str | Path) -> Policy:
    """Read a policy as it stands; its levels may be empty, for those of whoever uses it.

    Raises:
        UsageError: the file is missing or malformed.
    """
    path = Path(path)
    try:
        return msgspec.toml.decode(path.read_bytes(), type=Policy)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from error
    except (msgspec.DecodeError, UnicodeDecodeError, ImportError) as error:
        raise UsageError(f"{path} is no policy of a governor: {error}.") from error


def check_policy(policy: Policy, where: str = "The policy") -> None:
    """See that a policy can be kept.

    Raises:
        UsageError: a number is out of its range, two levels have one name, or what is room to go
            up is still pressure to go down.
    """
    down, up = policy.down, policy.up
    times = (policy.period, down.seconds, up.seconds, up.longest)
    if not all(seconds > 0 for seconds in times):
        raise UsageError(f"{where}: period, seconds and longest must be above 0.")
    names = [level.name for level in policy.levels]
    if not names or len(set(names)) < len(names):
        raise UsageError(f"{where}: there must be a level, and each needs a name of its own.")
    for level in policy.levels:
        rates = (level.camera_fps, level.hop_ms)
        if any(rate is not None and not rate > 0 for rate in rates):
            raise UsageError(f"{where}: camera_fps and hop_ms of {level.name!r} must be above 0.")
    for name in ("misses", "age", "load", "temperature"):
        low, high = getattr(up, name), getattr(down, name)
        if low is not None and high is not None and low > high:
            raise UsageError(
                f"{where}: it would go up while {name} is {low:g} and down above {high:g}; "
                "the value of [up] must be the lower one."
            )
    if (up.available_mb or 0) < (down.available_mb or 0):
        raise UsageError(f"{where}: available_mb of [up] must not be below that of [down].")

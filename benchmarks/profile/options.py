"""What is to be measured, and how long."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from edge_sdk.errors import UsageError


class ProfileOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The options of a profile.

    Attributes:
        part: measure this part alone (an encoder with its front-end, or the head); None: whole
            answers.
        engine: the edition, as :meth:`FusionSession.open` takes it.
        threads: of the engine; None: what the target says.
        samples: a sample set's folder; None: the bundle's golden samples.
        rounds: fresh processes, each with a cold load, a first answer and warm calls. Between
            them lies the noise that one process cannot see.
        calls: warm calls a round, after the warm-up.
        back_to_back: make what ``part`` takes before, and call it with nothing between two calls,
            as the engines' own tools do: caches stay warm, which in use they do not.
        layers: also measure every layer, in runs of their own.
        thermal_minutes: also run under full load for so long; 0: do not.
        cache: where compiled TensorRT engines lie; None: the user's cache folder.

    Raises:
        UsageError: back to back is asked for, and no part.
    """

    part: str | None = None
    engine: str = "auto"
    threads: Annotated[int, Meta(ge=1)] | None = None
    samples: str | None = None
    rounds: Annotated[int, Meta(ge=1)] = 5
    calls: Annotated[int, Meta(ge=10)] = 100
    back_to_back: bool = False
    layers: bool = False
    thermal_minutes: Annotated[float, Meta(ge=0)] = 0.0
    cache: str | None = None

    def __post_init__(self) -> None:
        if self.back_to_back and self.part is None:
            raise UsageError("Back to back one part is measured: name it with --part.")

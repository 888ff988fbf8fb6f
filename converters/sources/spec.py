"""What every source with a spec begins with."""

from __future__ import annotations

from pathlib import Path

import msgspec

from edge_sdk.errors import UsageError
from edge_sdk.frontends.config import FrontendsConfig

from ..spec import ModelSpec, read_spec
from ..wants import Want, frontends_and_wants
from . import Origin


class Described(msgspec.Struct, frozen=True, kw_only=True):
    """A spec with its files read."""

    spec: ModelSpec
    frontends: FrontendsConfig
    wants: tuple[Want, ...]

    def encoded(self) -> bytes:
        """All of it as bytes, for a digest."""
        return msgspec.json.encode((self.spec, self.frontends, self.wants), order="sorted")


def described(origin: Origin) -> Described:
    """The spec of ``origin``.

    Raises:
        UsageError: there is none, or it is wrong.
    """
    if origin.spec is None:
        raise UsageError(
            f"{origin.named} does not say what it takes and answers: give --spec model.toml "
            "(see the README, 'Your own model')."
        )
    spec = read_spec(origin.spec)
    frontends, wants = frontends_and_wants(spec, Path(origin.spec).parent)
    return Described(spec=spec, frontends=frontends, wants=wants)

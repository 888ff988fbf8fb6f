"""What is converted, whatever it was read from: front-ends, parts with their modules, heads."""

from __future__ import annotations

import msgspec
from torch import nn

from edge_sdk.bundle.manifest import Head
from edge_sdk.frontends.config import FrontendsConfig

from .checkpoint import Checkpoint
from .export.fusion import part_specs
from .parts import PartSpec

HEAD = "head"


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """A model cut into parts.

    Attributes:
        name: the model's name.
        digest: SHA-256 (hex) over its weights and description.
        frontends: the front-end of each modality it takes.
        heads: what it answers.
        parts: one encoder a modality, in the order of the modalities, then the head.
        stable: whether the digest says all that the parts compute; code of the user's may have
            changed under the same weights, and its exports are not kept.
        module: the whole model that the parts were cut from; None where it came as a graph.
    """

    name: str
    digest: str
    frontends: FrontendsConfig
    heads: tuple[Head, ...]
    parts: tuple[PartSpec, ...]
    stable: bool = True
    module: nn.Module | None = None


def from_checkpoint(checkpoint: Checkpoint) -> Source:
    """A reference fusion model, cut along its own joints."""
    config = checkpoint.config
    return Source(
        name=config.name,
        digest=checkpoint.digest,
        frontends=config.frontends,
        heads=tuple(Head(name=h.name, labels=h.labels) for h in config.model.heads),
        parts=tuple(part_specs(checkpoint)),
        module=checkpoint.model,
    )

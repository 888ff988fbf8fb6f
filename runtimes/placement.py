"""Where each part of a bundle ran, told by its engine, and held to a provider on request."""

from __future__ import annotations

import msgspec

from edge_sdk.errors import EngineError

from .engines.placement import Placement
from .parts import LoadedParts


class PartPlacement(msgspec.Struct, frozen=True, kw_only=True):
    """Where one part ran.

    Attributes:
        part: its name.
        engine: the engine.
        precision: of the graph.
        provider: what the engine says runs it.
        placement: node by node; None where the engine cannot tell.
    """

    part: str
    engine: str
    precision: str
    provider: str
    placement: Placement | None

    @property
    def elsewhere(self) -> dict[str, dict[str, int]]:
        """The nodes that another provider than :attr:`provider` runs, by provider."""
        return self.placement.beside(self.provider) if self.placement is not None else {}


def placements(parts: LoadedParts) -> list[PartPlacement]:
    """Where each part ran; ``parts`` must have been loaded with ``trace`` and have run."""
    return [
        PartPlacement(
            part=loaded.part.name,
            engine=loaded.engine,
            precision=loaded.variant.precision,
            provider=loaded.graph.provider,
            placement=loaded.graph.placement(),
        )
        for loaded in parts
    ]


def breach(found: PartPlacement, provider: str) -> str | None:
    """A clause that says which nodes of a part ran elsewhere than on ``provider``; None if none."""
    if found.placement is None:
        return f"{found.engine} cannot tell where the nodes of {found.part} run"
    strays = found.placement.beside(provider)
    if not strays:
        return None
    count = sum(sum(operators.values()) for operators in strays.values())
    if not count:
        return f"{found.part} runs on {', '.join(strays)}"
    where = "; ".join(f"{name}: {spelled(operators)}" for name, operators in strays.items())
    return f"{count} of {found.placement.total} nodes of {found.part} run elsewhere ({where})"


def require_provider(found: list[PartPlacement], provider: str, where: str) -> None:
    """See that every node of every part ran on ``provider``.

    Args:
        found: where the parts ran.
        provider: its name in any case, with or without a version (``XNNPACK``, ``TensorRT``).
        where: what was run, for the sentence.

    Raises:
        EngineError: a node ran elsewhere, or an engine cannot tell.
    """
    broken = [clause for part in found if (clause := breach(part, provider)) is not None]
    if broken:
        raise EngineError(f"{where} does not run wholly on {provider}: {'; '.join(broken)}.")


def spelled(operators: dict[str, int]) -> str:
    """``2 Conv, 1 Gemm``."""
    return ", ".join(f"{count} {operator}" for operator, count in operators.items())

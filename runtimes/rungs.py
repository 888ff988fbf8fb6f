"""The rungs of a bundle's ladder, loaded when needed; graphs they share are loaded once."""

from __future__ import annotations

from edge_sdk.bundle import Bundle
from edge_sdk.bundle.manifest import FULL
from edge_sdk.errors import UsageError
from edge_sdk.frontends import Frontends

from .engines import EngineOptions
from .parts import LoadedParts, SharedGraphs, edition_of
from .selftest import self_test


class Rungs:
    """The editions of one engine, by rung.

    Args:
        bundle: the bundle.
        name: what :func:`~.parts.choose_edition` gave: the rung to begin on.
        options: how to run.
        frontends: of the bundle.
        check: hold one golden sample of each rung against its expected values when it is loaded.
    """

    def __init__(
        self,
        bundle: Bundle,
        name: str,
        options: EngineOptions,
        frontends: Frontends,
        *,
        check: bool = True,
    ) -> None:
        self._bundle, self._frontends = bundle, frontends
        self.options = options
        self._check = check
        self._graphs = SharedGraphs()
        self._loaded: dict[str, LoadedParts] = {}
        engine = name.partition(".")[0]
        manifest = bundle.manifest
        own = edition_of(manifest, name).partition(".")[0]
        self._names = {
            rung: engine if rung == FULL else f"{engine}.{rung}" for rung in manifest.rungs(own)
        }
        #: The rung to begin on.
        self.first = next(rung for rung, known in self._names.items() if known == name)

    @property
    def names(self) -> tuple[str, ...]:
        """The rungs, from the costliest to the cheapest."""
        return tuple(self._names)

    def edition(self, rung: str) -> str:
        """The name of a rung's edition, with the engine that was chosen.

        Raises:
            UsageError: the bundle has no such rung for this engine.
        """
        if rung not in self._names:
            raise UsageError(
                f"{self._bundle.path} has no rung {rung!r}; it has {', '.join(self._names)}."
            )
        return self._names[rung]

    def load(self, rung: str) -> LoadedParts:
        """The parts of a rung, loaded and checked the first time.

        Raises:
            UsageError: the bundle has no such rung for this engine.
            EngineError: an engine refuses a graph.
            BundleError: a graph is damaged, or the rung fails its self-test.
        """
        edition = self.edition(rung)
        if rung not in self._loaded:
            parts = LoadedParts(self._bundle, edition, self.options, self._graphs)
            if self._check:
                self_test(self._bundle, parts, self._frontends)
            self._loaded[rung] = parts
        return self._loaded[rung]

    def close(self) -> None:
        """Close every graph."""
        self._loaded.clear()
        self._graphs.close()

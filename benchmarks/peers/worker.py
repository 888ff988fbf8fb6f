"""A peer whose conversion is a script in ``workers/``, run by its own environment."""

from __future__ import annotations

from pathlib import Path

import msgspec

from edge_sdk.errors import EngineError

from ..tree import TreeUsage, measure_tree
from .candidate import Converted, Engine, Graph
from .environment import python_of
from .material import WORKERS, Material


class Made(msgspec.Struct, frozen=True):
    """What a worker says in ``result.json``: graphs by part, and why others are not there."""

    made: dict[str, str]
    refused: dict[str, str]


class WorkerPeer:
    """See :class:`~.candidate.Candidate`; a part that a peer refuses stays as it was given.

    Args:
        name, title, environment, seeded: as there.
        script: the worker.
        engine: what runs its graphs, and whose fp32 graphs it starts from.
        from_torch: whether it starts from torch modules instead, and exports them itself.
        arguments: for the worker, after its job.
        companions: endings of files that belong to a graph (``.bin``).
    """

    def __init__(
        self,
        name: str,
        title: str,
        *,
        environment: str,
        script: str,
        engine: Engine,
        seeded: bool = False,
        from_torch: bool = False,
        arguments: tuple[str, ...] = (),
        companions: tuple[str, ...] = (),
    ) -> None:
        self.name, self.title, self.seeded = name, title, seeded
        self.environment: str | None = environment
        self._script, self._arguments = script, arguments
        self._engine, self._from_torch, self._companions = engine, from_torch, companions

    def convert(self, material: Material, seed: int, out: Path) -> Converted:
        """Run the worker and read what it made.

        Raises:
            EngineError: it refuses a part, and what it started from is nothing to run instead.
        """
        python = python_of(self.environment, material.environments)
        graphs, before = self._given(material)
        fixed = material.fixed if self._engine in ("litert", "executorch") else {}
        job = out / "job.json"
        job.write_bytes(
            msgspec.json.encode(
                {
                    "graphs": graphs,
                    "feeds": material.feeds(seed),
                    "fixed": fixed,
                    "out": str(out),
                }
            )
        )
        usage = measure_tree([python, str(WORKERS / self._script), str(job), *self._arguments])
        result = msgspec.json.decode((out / "result.json").read_bytes(), type=Made)
        if (self._from_torch or self._engine == "executorch") and result.refused:
            # What it started from is nothing that the engine runs.
            part, why = next(iter(result.refused.items()))
            raise EngineError(f"It does not convert {part}: {why}.")
        paths = {part: result.made.get(part, graph) for part, graph in graphs.items()}
        files = [Path(path) for path in paths.values()]
        files += [f.with_suffix(s) for f in files for s in self._companions if f.parent == out]
        return Converted(
            parts={n: Graph(engine=self._engine, graph=p) for n, p in paths.items()},
            size=sum(file.stat().st_size for file in files),
            usage=usage,
            before=before,
            fixed=fixed,
            kept=result.refused,
        )

    def _given(self, material: Material) -> tuple[dict[str, str], TreeUsage | None]:
        """What it starts from, by part, and what that took where it counts."""
        if self._from_torch:
            return material.modules, None
        if self._engine == "litert":
            return material.tflite, material.tflite_usage
        if self._engine == "executorch":
            return material.programs, material.programs_usage
        return material.onnx, material.export_usage

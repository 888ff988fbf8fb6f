"""A peer whose conversion is a script in ``workers/``, run by its own environment."""

from __future__ import annotations

from pathlib import Path

import msgspec

from ..tree import measure_tree
from .candidate import Converted, Engine, Graph
from .environment import python_of
from .material import Material

WORKERS = Path(__file__).with_name("workers")


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
        companions: tuple[str, ...] = (),
    ) -> None:
        self.name, self.title, self.seeded = name, title, seeded
        self.environment: str | None = environment
        self._script, self._engine, self._companions = script, engine, companions

    def convert(self, material: Material, seed: int, out: Path) -> Converted:
        """Run the worker and read what it made."""
        python = python_of(self.environment, material.environments)
        tflite = self._engine == "litert"
        graphs = material.tflite if tflite else material.onnx
        fixed = material.fixed if tflite else {}
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
        usage = measure_tree([python, str(WORKERS / self._script), str(job)])
        result = msgspec.json.decode((out / "result.json").read_bytes(), type=Made)
        paths = {part: result.made.get(part, graph) for part, graph in graphs.items()}
        files = [Path(path) for path in paths.values()]
        files += [f.with_suffix(s) for f in files for s in self._companions if f.parent == out]
        return Converted(
            parts={n: Graph(engine=self._engine, graph=p) for n, p in paths.items()},
            size=sum(file.stat().st_size for file in files),
            usage=usage,
            before=material.tflite_usage if tflite else material.export_usage,
            fixed=fixed,
            kept=result.refused,
        )

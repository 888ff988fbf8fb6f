"""One run: everybody converts, answers the held-out samples, and is timed in turns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

import msgspec

from edge_sdk.errors import DeviceError, EdgeError

from .accuracy import Classes, accuracies
from .candidate import Candidate, Converted
from .environment import python_of
from .latency import Times, ratio, take_turns
from .material import WORKERS, Material
from .result import Conversion, NotRun, Row
from .roster import FP32, OURS
from .running import Running

Say = Callable[[str], None]


class Side:
    """A candidate with what its conversions gave, by seed."""

    def __init__(self, candidate: Candidate, folder: Path) -> None:
        self.candidate, self.folder = candidate, folder
        self.converted: dict[int, Converted] = {}
        self.answers: dict[int, Classes] = {}
        self.rounds: list[list[Times]] = []

    def graphs(self, seed: int) -> Converted:
        """Of a seed, or of the first where there is no more."""
        return self.converted.get(seed) or next(iter(self.converted.values()))

    def running(self, material: Material, seed: int) -> Running:
        """Its graphs of a seed, loaded."""
        graphs = self.graphs(seed)
        folder = self.folder / f"run-{seed}"
        folder.mkdir(exist_ok=True)
        job = material.job(
            folder, {"parts": msgspec.to_builtins(graphs.parts), "fixed": graphs.fixed}
        )
        python = python_of(self.candidate.environment, material.environments)
        return Running([python, str(WORKERS / "run.py"), str(job)], folder / "stderr")


def compare(
    candidates: Sequence[Candidate],
    material: Material,
    seeds: Sequence[int],
    rounds: int,
    say: Say,
) -> tuple[list[Row], list[NotRun]]:
    """The rows of all that ran, ours and fp32 among them, and why others did not.

    Raises:
        EdgeError: ours or fp32 failed: there is nothing to compare with.
    """
    sides: list[Side] = []
    not_run: list[NotRun] = []
    for candidate in candidates:
        side = Side(candidate, material.scratch / candidate.name)
        try:
            _convert(side, material, seeds, say)
        except EdgeError as error:
            if candidate.name in (OURS, FP32):
                raise
            say(f"not run: {candidate.name}: {error}")
            not_run.append(NotRun(candidate.title, str(error)))
            continue
        sides.append(side)
    for seed in seeds:
        say(f"latency, seed {seed} ...")
        with ExitStack() as stack:
            running = {
                side.candidate.name: stack.enter_context(side.running(material, seed))
                for side in sides
            }
            for name, times in take_turns(running, rounds).items():
                next(s for s in sides if s.candidate.name == name).rounds.append(times)
    return _rows(sides, material), not_run


def _convert(side: Side, material: Material, seeds: Sequence[int], say: Say) -> None:
    """Convert with every seed (or the first), and answer."""
    for seed in seeds if side.candidate.seeded else seeds[:1]:
        say(f"{side.candidate.name}, seed {seed} ...")
        out = side.folder / f"seed-{seed}"
        out.mkdir(parents=True)
        converted = side.candidate.convert(material, seed, out)
        if converted.usage is not None and len(converted.kept) == len(converted.parts):
            reasons = "; ".join(f"{part}: {why}" for part, why in converted.kept.items())
            raise DeviceError(f"no part could be converted ({reasons})")
        side.converted[seed] = converted
        with side.running(material, seed) as running:
            side.answers[seed] = running.answers()


def _rows(sides: Sequence[Side], material: Material) -> list[Row]:
    by_name = {side.candidate.name: side for side in sides}
    ours, fp32 = by_name[OURS], next(iter(by_name[FP32].answers.values()))
    answers = {name: list(side.answers.values()) for name, side in by_name.items()}
    classes = {head.name: len(head.labels) for head in material.heads}
    quality = accuracies(material.truth, fp32, answers, OURS, classes)
    return [
        Row(
            name=name,
            title=side.candidate.title,
            engines=tuple(
                sorted({g.engine for c in side.converted.values() for g in c.parts.values()})
            ),
            accuracy=quality[name],
            conversions=tuple(_conversion(*one) for one in side.converted.items()),
            rounds=tuple(tuple(process) for process in side.rounds),
            against_ours=ratio(side.rounds, ours.rounds),
        )
        for name, side in by_name.items()
    ]


def _conversion(seed: int, converted: Converted) -> Conversion:
    used = [usage for usage in (converted.usage, converted.before) if usage is not None]
    own = used[:1] if converted.usage is not None else []
    return Conversion(
        seed=seed,
        size=converted.size,
        cpu_seconds=sum(usage.cpu_seconds for usage in own),
        peak_bytes=max((usage.peak_bytes for usage in own), default=0),
        whole_cpu_seconds=sum(usage.cpu_seconds for usage in used),
        whole_peak_bytes=max((usage.peak_bytes for usage in used), default=0),
        kept=converted.kept,
    )

"""Whether the profiler's median of a part is that of a bare loop, and of an engine's own tool."""

from __future__ import annotations

import contextlib
import importlib
import io
import statistics
import sys
from collections.abc import Iterator, Sequence
from itertools import cycle, islice
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import msgspec

from edge_sdk import FusionSession
from edge_sdk.bundle import Bundle
from edge_sdk.errors import DeviceError

from ..bench import ENGINE, Bench
from ..figure import Figure, Reading
from ..graphs import unpack_graphs
from ..profile import ProfileOptions
from ..profile.inputs import Given, read_inputs
from ..profile.round import run_round
from ..profile.subject import subject_of
from ..profile.within import INVOKE
from ..rounds import interleave

LIMIT = 1.05
ROUNDS = 10
_TURNS = 4
_CALLS = 30
_PARTS = ("audio", "image")
# LiteRT's tool fills inputs with random numbers, so it cannot be a part that looks tokens up.
_TOOL, _TOOL_PART, _TOOL_CALLS = "ai_edge_litert.tools.benchmark_litert_model", "audio", 200
_TOOL_ROUNDS = 100


def measure(bench: Bench) -> Iterator[Reading]:
    """Encoders on the same samples in turns: the profiler's stage, and ``InferenceSession.run``
    with the same options and nothing around it; then an encoder against LiteRT's own tool."""
    yield from _bare(bench)
    yield _litert(bench)


def _bare(bench: Bench) -> Iterator[Reading]:
    """Each round opens both anew, in turns.

    Two bare sessions of one graph are up to some 6% apart for as long as they live, by where
    their memory happens to lie: one pair of them would say which was the luckier.
    """
    path = bench.bundle().path
    bundle = Bundle.open(path)
    graphs = unpack_graphs(bundle, bench.scratch / "graphs")
    for encoder, graph in zip(bundle.manifest.encoders, graphs, strict=False):
        if encoder.name not in _PARTS:
            continue
        pairs, alike = [], []
        for number in range(bench.rounds(ROUNDS)):
            ours, theirs, again = _round(path, encoder.name, graph, number, bench)
            pairs.append((ours, theirs))
            alike.append(again / theirs)
        yield Reading(
            what=f"the profiler's p50 of the encoder {encoder.name} and a bare loop's, "
            "larger over smaller",
            unit="x",
            values=(_apart(pairs),),
            limit=LIMIT,
            detail=f"{len(pairs)} pairs of sessions, {_TURNS * _CALLS} calls each; profiler "
            f"{median(a for a, _ in pairs):.3f} ms, bare {median(b for _, b in pairs):.3f} ms; "
            f"two bare sessions {min(alike):.2f} to {max(alike):.2f} of each other",
        )


def _round(
    path: Path, part: str, graph: Path, number: int, bench: Bench
) -> tuple[float, float, float]:
    """Milliseconds of the profiler's stage, a bare loop, and another bare loop."""
    from ..bare import bare_session

    threads = Bundle.open(path).manifest.target.threads
    opened: dict[str, Any] = {}
    # Who is opened when moves on by one each round.
    for place in range(3):
        which = ("ours", "bare", "again")[(place + number) % 3]
        opened[which] = (
            FusionSession.open(path, engine=ENGINE, check=False)
            if which == "ours"
            else bare_session(str(graph), threads)
        )
    with opened["ours"] as session:
        given, _ = read_inputs(session.bundle, session.modalities, bench.held_out.root)
        subject = subject_of(session, part)

        def ours(inputs: list[Any]) -> float:
            return median(subject({part: v})[f"encoder.{part}"] for v in inputs)

        def loop(bare: Any, inputs: list[Any]) -> float:
            name, spent = bare.get_inputs()[0].name, []
            for value in inputs:
                # The front-end runs in between, uncounted, as it does on the other side.
                features = session.features(part, value)
                started = perf_counter()
                bare.run(None, {name: features})
                spent.append((perf_counter() - started) * 1e3)
            return median(spent)

        rounds = _inputs(given, part)
        pairs = interleave(ours, lambda v: loop(opened["bare"], v), rounds)[1:]  # one warms up
        again = median(loop(opened["again"], inputs) for inputs in rounds[1:])
    return median(a for a, _ in pairs), median(b for _, b in pairs), again


def _inputs(given: list[Given], part: str) -> list[list[Any]]:
    turn = cycle(one.values[part] for one in given)
    return [list(islice(turn, _CALLS)) for _ in range(_TURNS + 1)]


def _litert(bench: Bench) -> Reading:
    """The profiler back to back and LiteRT's tool in turns, each loading the graph anew.

    The tool calls the graph again and again on buffers that it filled before: what it times is the
    engine's own call. The profiler back to back does the same, checks and copies a real sample
    before each call, and tells the time of the engine's call apart: these two are held against each
    other. The whole call, and that in use, with a front-end before it, are told beside them.
    """
    path = bench.editions("auto").path
    bundle = Bundle.open(path)
    part = next(p for p in bundle.manifest.parts if p.name == _TOOL_PART)
    graph = bench.scratch / "tool.tflite"
    graph.write_bytes(bundle.read(bundle.manifest.variant(part, "litert").file))
    threads = bundle.manifest.target.threads
    in_use = ProfileOptions(
        part=_TOOL_PART, engine="litert", threads=threads, calls=_TOOL_CALLS,
        samples=str(bench.held_out.root),
    )  # fmt: skip
    back_to_back = msgspec.structs.replace(in_use, back_to_back=True)

    stage = f"encoder.{_TOOL_PART}"

    def profiled(options: ProfileOptions) -> tuple[float, float]:
        found = run_round(path, options)
        return median(found.within[f"{stage}.{INVOKE}"]), median(found.stages[stage])

    rounds = bench.rounds(_TOOL_ROUNDS)
    found = interleave(profiled, lambda _: _ask_tool(graph, threads), [back_to_back] * rounds)
    pairs = [(invoke, tool) for (invoke, _), (_, tool) in found]
    whole = [(call, tool) for (_, call), (_, tool) in found]
    used = median(profiled(in_use)[1] for _ in range(bench.rounds(ROUNDS)))
    return Reading(
        what=f"LiteRT's own call within the encoder {_TOOL_PART}, the profiler's p50 back to back, "
        "and the p50 of LiteRT's benchmark tool, which times that call, larger over smaller",
        unit="x",
        values=(_apart(pairs),),
        limit=LIMIT,
        detail=f"{len(pairs)} pairs, {_TOOL_CALLS} calls each, {threads} thread(s); profiler "
        f"{median(a for a, _ in pairs):.3f} ms, {_TOOL.rpartition('.')[2]} "
        f"{median(b for _, b in pairs):.3f} ms; with the checks and copies around the call, which "
        f"the tool leaves out, {median(a for a, _ in whole):.3f} ms, {_ratio(whole):.3f} x; in "
        f"use, behind the front-end, {used:.3f} ms",
    )


def _ask_tool(graph: Path, threads: int) -> tuple[float, float]:
    """The median in milliseconds that LiteRT's tool gives for random input, as it says it and
    before it rounds it.

    Raises:
        DeviceError: it failed.
    """
    tool: Any = importlib.import_module(_TOOL)
    given, said, unrounded = (sys.argv, tool.statistics), io.StringIO(), _Unrounded()
    sys.argv = [_TOOL, "--model", str(graph), "--num_threads", str(threads),
                "--warmup_runs", "50", "--num_runs", str(_TOOL_CALLS)]  # fmt: skip
    tool.statistics = unrounded
    try:
        with contextlib.redirect_stdout(said):
            told = float(tool.run_benchmark(tool.parse_args())["latency"]["median_ms"])
    except (Exception, SystemExit) as error:
        raise DeviceError(f"LiteRT's benchmark tool failed: {error}; {said.getvalue()}") from error
    finally:
        sys.argv, tool.statistics = given
    if round(unrounded.found, 2) != told:
        raise DeviceError("LiteRT's benchmark tool takes another median than is known here.")
    return told, unrounded.found


class _Unrounded:
    """Stands for the module ``statistics`` in the tool, which tells its median in hundredths of a
    millisecond: 2.5 % of what is measured here."""

    found = 0.0

    def median(self, values: Sequence[float]) -> float:
        """The median, kept."""
        self.found = median(values)
        return self.found

    def __getattr__(self, name: str) -> Any:
        return getattr(statistics, name)


def _apart(pairs: Sequence[tuple[float, float]]) -> float:
    """The median ratio of the pairs, larger over smaller: neither side is to be the faster one."""
    middle = _ratio(pairs)
    return max(middle, 1 / middle)


def _ratio(pairs: Sequence[tuple[float, float]]) -> float:
    return median(a / b for a, b in pairs)


FIGURE = Figure(
    "profiler-agreement", "the profiler's median against a bare loop and LiteRT's tool", measure
)

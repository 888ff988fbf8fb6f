"""One round: a fresh process that opens the bundle, answers once, then warm, and says how it was.

Usage: python -m edge_sdk.benchmarks.profile.round ORDER.json OUTPUT.json
"""

from __future__ import annotations

import resource
import sys
from itertools import cycle, islice
from pathlib import Path
from time import perf_counter, process_time

_BEGAN = perf_counter()

import msgspec  # noqa: E402 - what is imported is measured

from edge_sdk.errors import EdgeError  # noqa: E402
from edge_sdk.runtimes.engines import load_engine  # noqa: E402
from edge_sdk.runtimes.parts import choose_edition  # noqa: E402
from edge_sdk.runtimes.probes import find_probes  # noqa: E402
from edge_sdk.runtimes.probes.load import Load, Share  # noqa: E402
from edge_sdk.runtimes.probes.memory import ProcessMemory, process_memory  # noqa: E402
from edge_sdk.runtimes.session import FusionSession  # noqa: E402

from .energy import Meter, Spent  # noqa: E402
from .inputs import InputsInfo, read_inputs  # noqa: E402
from .options import ProfileOptions  # noqa: E402
from .result import Start  # noqa: E402
from .sampler import Look, Sampler  # noqa: E402
from .subject import needs, prepared  # noqa: E402
from .within import Within  # noqa: E402

#: Warm-up: at least so many calls and so many seconds.
WARM_CALLS, WARM_SECONDS = 10, 0.3


class RoundOrder(msgspec.Struct, frozen=True, kw_only=True):
    """What to measure: a bundle's path, and how."""

    bundle: str
    options: ProfileOptions


class Round(msgspec.Struct, frozen=True, kw_only=True):
    """What one process measured; see :mod:`.result` for the meaning."""

    start: Start
    stages: dict[str, list[float]]
    within: dict[str, list[float]]
    silent: dict[str, str]
    cpu: list[float]
    inputs: InputsInfo
    inputs_bytes: int
    imported: ProcessMemory
    opened: ProcessMemory
    warm: ProcessMemory
    memory: tuple[tuple[float, int], ...]
    looks: tuple[Look, ...]
    share: Share
    preempted: int
    energy: Spent | None
    engines: dict[str, str]
    providers: dict[str, str]
    edition: str
    threads: int


def run_round(bundle: Path, options: ProfileOptions) -> Round:
    """Measure in this process, which should be fresh."""
    from edge_sdk.bundle import Bundle

    # The engine's library is Python's start, not the bundle's.
    manifest = Bundle.open(bundle).manifest
    edition = choose_edition(manifest, options.engine)
    for name in sorted({manifest.variant(p, edition).engine for p in manifest.parts}):
        load_engine(name).version()
    imported_at = perf_counter()
    imported = process_memory()
    session = FusionSession.open(
        bundle, engine=options.engine, threads=options.threads, check=False, cache=options.cache
    )
    opened_at = perf_counter()
    opened = process_memory()
    with session:
        given, info = read_inputs(session.bundle, needs(session, options.part), options.samples)
        subject, given = prepared(session, options, given)
        started = perf_counter()
        subject(given[0].values)
        first = perf_counter() - started
        turn = cycle([one.values for one in given])
        warm_from, calls = perf_counter(), 0
        while calls < WARM_CALLS or perf_counter() - warm_from < WARM_SECONDS:
            subject(next(turn))
            calls += 1
        probes, within = find_probes(), Within(session)
        stages: dict[str, list[float]] = {}
        cpu: list[float] = []
        meter = Meter(probes)
        with Sampler(probes, also=meter.look) as sampler:
            load = Load()
            before = resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw
            for values in islice(turn, options.calls):
                busy = process_time()
                found = subject(values)
                cpu.append((process_time() - busy) * 1e3)
                for stage, spent in found.items():
                    stages.setdefault(stage, []).append(spent)
                within.keep()
            preempted = resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw - before
            share, energy = load.share(), meter.spent()
        return Round(
            start=Start(
                import_ms=(imported_at - _BEGAN) * 1e3,
                open_ms=(opened_at - imported_at) * 1e3,
                first_ms=first * 1e3,
            ),
            stages=stages,
            within=within.times(),
            silent={stage: name for stage, name in within.silent.items() if stage in stages},
            cpu=cpu,
            inputs=info,
            inputs_bytes=sum(_size(v) for one in given for v in one.values.values()),
            imported=imported,
            opened=opened,
            warm=process_memory(),
            memory=tuple(sampler.memory),
            looks=tuple(sampler.looks),
            share=share,
            preempted=preempted,
            energy=energy,
            engines=session.parts.engines,
            providers={one.part.name: one.graph.provider for one in session.parts},
            edition=session.parts.edition,
            threads=options.threads or manifest.target.threads,
        )


def _size(value: object) -> int:
    if isinstance(value, (tuple, list)):
        return sum(_size(one) for one in value)
    return int(getattr(value, "nbytes", 0))


def main(order: str, output: str) -> int:
    """Write a :class:`Round`, or the sentence that says why there is none."""
    try:
        wanted = msgspec.json.decode(Path(order).read_bytes(), type=RoundOrder)
        content = msgspec.json.encode(run_round(Path(wanted.bundle), wanted.options))
    except EdgeError as error:
        content = msgspec.json.encode({"error": str(error), "kind": error.kind})
    Path(output).write_bytes(content)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

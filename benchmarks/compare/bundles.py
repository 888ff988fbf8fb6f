"""Two bundles on this machine in one run: latency in turns, memory in fresh processes, accuracy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from edge_sdk.bundle import Bundle
from edge_sdk.errors import UsageError
from edge_sdk.runtimes.parts import choose_edition
from edge_sdk.runtimes.probes.emulation import detect_emulation
from edge_sdk.runtimes.session import FusionSession

from ..profile.fresh import in_fresh_process
from ..profile.options import ProfileOptions
from ..profile.provenance import bundle_info
from ..profile.round import Round
from ..profile.run import run_in_process
from ..profile.subject import CPU, TOTAL
from .accuracy import accuracy_verdicts, answers
from .budgets import Budgets
from .comparison import Comparison, MetricVerdict
from .intervals import ratio_of_pairs
from .judge import judge, passes
from .metrics import Metric
from .pair import Pair, PairOrder

#: Warm calls of the processes that tell memory and cold starts.
_COLD_CALLS = 10

Progress = Callable[[str, int, int], None]


class BundlesOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How two bundles are compared.

    Attributes:
        engine: the edition of both.
        threads: of the engine; None: what each target says.
        samples: a sample set to measure on and, if it has labels, to score; None: the golden
            samples of the base.
        rounds: fresh processes with both bundles, and as many with each alone.
        calls: of each bundle in a process.
        slowed: the share by which a busy loop makes the second bundle slower: a check of the
            comparison itself.
    """

    engine: str = "auto"
    threads: int | None = None
    samples: str | None = None
    rounds: int = 4
    calls: int = 100
    slowed: float = 0.0


def compare_bundles(
    base: str | Path,
    new: str | Path,
    options: BundlesOptions | None = None,
    budgets: Budgets | None = None,
    *,
    progress: Progress = lambda stage, done, total: None,
) -> Comparison:
    """Hold the bundle ``new`` against the bundle ``base``.

    Raises:
        BundleError: a bundle is damaged.
        EngineError: an engine is not installed or refuses a graph.
        DataError: there are no samples to measure with.
        UsageError: the budgets name a metric that is not measured.
        DeviceError: a process could not be started or died.
    """
    options, budgets = options or BundlesOptions(), budgets or Budgets()
    paths = (Path(base), Path(new))
    opened = [Bundle.open(path) for path in paths]
    pairs = measure_pairs(*paths, options, progress)
    single = ProfileOptions(
        engine=options.engine,
        threads=options.threads,
        samples=options.samples,
        rounds=1,
        calls=_COLD_CALLS,
    )
    rounds: tuple[list[Round], list[Round]] = ([], [])
    for number in range(max(3, options.rounds)):
        progress("memory", number, max(3, options.rounds))
        for side in (0, 1) if number % 2 == 0 else (1, 0):
            rounds[side].append(run_in_process(paths[side], single))
    sides = [
        _metrics(bundle, options.engine, found, [getattr(p, name) for p in pairs])
        for bundle, found, name in zip(opened, rounds, ("first", "second"), strict=True)
    ]
    target = opened[1].manifest.target.name
    budgets.check(target, sides[1])
    emulated = detect_emulation().emulated
    verdicts = judge(
        sides[0],
        sides[1],
        budgets,
        target,
        emulated=emulated,
        paired={
            f"{stage}.p50_ms": ratio_of_pairs([pair.ratios[stage] for pair in pairs])
            for stage in pairs[0].ratios
        },
    )
    warnings = []
    if opened[0].manifest.target.name != target:
        warnings.append(f"the bundles are for {opened[0].manifest.target.name} and {target}")
    if options.samples is not None:
        progress("accuracy", 0, 1)
        scored, note = _accuracy(*paths, options, budgets.regression(target))
        verdicts += scored
        warnings.append(note)
        progress("accuracy", 1, 1)
    return Comparison(
        base=_called(opened[0]),
        new=_called(opened[1]),
        target=target,
        emulated=emulated,
        metrics=tuple(verdicts),
        warnings=tuple(warnings),
        passed=passes(verdicts, budgets),
    )


def measure_pairs(
    base: Path,
    new: Path,
    options: BundlesOptions,
    progress: Progress = lambda stage, done, total: None,
) -> list[Pair]:
    """Both bundles in each of ``options.rounds`` fresh processes, call by call in turns."""
    order = PairOrder(
        first=str(base),
        second=str(new),
        slowed=options.slowed,
        options=ProfileOptions(
            engine=options.engine,
            threads=options.threads,
            samples=options.samples,
            calls=options.calls,
        ),
    )
    pairs = []
    for number in range(options.rounds):
        progress("in turns", number, options.rounds)
        pairs.append(in_fresh_process(f"{__package__}.pair", order, Pair))
    progress("in turns", options.rounds, options.rounds)
    return pairs


def _metrics(
    bundle: Bundle, engine: str, rounds: list[Round], medians: list[dict[str, float]]
) -> dict[str, Metric]:
    info = bundle_info(bundle, choose_edition(bundle.manifest, engine))
    found = {
        f"{stage}.p50_ms": Metric(unit="ms", rounds=tuple(m[stage] for m in medians), time=True)
        for stage in medians[0]
    }
    first = {f"{name}.p50_ms": found.pop(f"{name}.p50_ms") for name in (TOTAL, CPU)}
    found = {**first, **found}
    for name in ("open_ms", "first_ms"):
        values = tuple(getattr(one.start, name) for one in rounds)
        found[name] = Metric(unit="ms", rounds=values, time=True)
    megabytes = {
        "resident_mb": [one.warm.resident for one in rounds],
        "peak_mb": [one.warm.peak for one in rounds],
        "unique_mb": [one.warm.unique for one in rounds if one.warm.unique is not None],
        "size_mb": [info.bytes] * 3,
        "graphs_mb": [info.graph_bytes] * 3,
    }
    for name, sizes in megabytes.items():
        if sizes:
            found[name] = Metric(unit="MB", rounds=tuple(size / 1e6 for size in sizes))
    return found


def _accuracy(
    base: Path, new: Path, options: BundlesOptions, allowed: dict[str, float]
) -> tuple[list[MetricVerdict], str]:
    assert options.samples is not None
    with (
        FusionSession.open(base, engine=options.engine, threads=options.threads) as one,
        FusionSession.open(new, engine=options.engine, threads=options.threads) as two,
    ):
        if not set(one.modalities) & set(two.modalities):
            raise UsageError(
                "The bundles take no modality in common; their answers differ in kind."
            )
        heads, same = answers(one, two, options.samples)
    return accuracy_verdicts(heads, allowed), f"{same:.1%} of the answers are the same"


def _called(bundle: Bundle) -> str:
    return f"{bundle.path.name} ({bundle.manifest.name} {bundle.manifest.digest[:12]})"

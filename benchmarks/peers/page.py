"""The section "Peers" of ``RESULTS.md``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median

from ..compare.intervals import Ratio
from .accuracy import Estimate
from .latency import ratio
from .result import Result, Row
from .roster import FP32

SECTION = "peers"


def to_markdown(result: Result) -> str:
    """The section; what a peer does better stands where it stands."""
    machine = result.machine
    ours = next(row for row in result.rows if row.name == result.ours)
    heads = list(ours.accuracy)
    parts = [part for part in ours.latency if part != "sum"]
    before, after = (
        " ".join(f"{v:.2f}" for v in x) for x in (result.load_before, result.load_after)
    )
    return "\n".join(
        [
            "## Peers",
            "",
            f"Measured on {result.date} by `{result.command}`, in {result.seconds:.0f} s.",
            "",
            f"- machine: {machine.cpu}, {machine.cores} cores, {machine.memory_mb} MB; "
            f"{', '.join(machine.features)}; {machine.system}",
            f"- load average before: {before}; after: {after}",
            f"- versions: {'; '.join(result.versions.values())}",
            f"- calibration: {result.calibration_samples} samples a seed, drawn anew for each of "
            f"{len(result.seeds)} seeds; accuracy: {result.held_out_samples} held-out samples, in "
            "the engine that each ships for; Edge SDK's gate judges by the "
            f"{result.evaluation_samples} that a seed does not draw (`--evaluation`), which peers "
            "have no use for",
            "- brackets are 95% intervals: of accuracy by bootstrap over the samples, of latency "
            "over processes and rounds",
            "",
            "Macro-F1 by head, and how far ahead of Edge SDK in points (below zero: behind); a row "
            "of one seed is held against Edge SDK's first seed:",
            "",
            *_table(
                [
                    "",
                    "seeds",
                    *(word for head in heads for word in (head, "ahead")),
                    "fp32's label",
                ],
                (_accuracy(row, heads, ours) for row in result.rows),
            ),
            "",
            "Milliseconds of CPU a sample with every modality, one thread, the median of "
            f"{len(result.seeds)} x {len(ours.rounds[0])} rounds of {result.timed_samples} "
            "samples, all in turns:",
            "",
            *_table(
                ["", "engine", *parts, "sum", "against Edge SDK"],
                (_latency(row, parts, ours) for row in result.rows),
            ),
            "",
            "What ships and what it takes. Peers start from fp32 graphs, whose export took "
            f"{result.export_cpu_seconds:.1f} s of CPU and {result.export_peak_bytes / 1e6:.0f} MB "
            "to ONNX, more to TFLite (with the parity checks and the gate); Edge SDK starts from "
            "the checkpoint, its export and gate included. A peer named as from torch starts from "
            "torch modules, which it exports itself, with no check of its own; making them from "
            "the checkpoint is not counted. Memory is the largest of the process tree, what its "
            "processes share counted once; with the export, the larger of the two. The goals "
            "below hold the figures with the export against each other.",
            "",
            *_table(
                [
                    *("", "kB of graphs", "of fp32", "CPU s", "CPU s with the export"),
                    *("peak MB", "peak MB with the export", "left fp32"),
                ],
                (_cost(row, result) for row in result.rows),
            ),
            "",
            "Log-mel of 80 bands, microseconds of CPU a frame:",
            "",
            *_table(
                ["", "a frame", "against Edge SDK"],
                (
                    [r.title, f"{median(r.rounds):.1f}", _ratio(r.against_ours)]
                    for r in result.frontends
                ),
            ),
            "",
            *_goals(result),
            "",
            *(f"- not run: {one.title}: {one.why}" for one in result.not_run),
        ]
    )


def _accuracy(row: Row, heads: Sequence[str], ours: Row) -> list[str]:
    cells = [row.title, str(len(row.conversions))]
    for head in heads:
        found = row.accuracy[head]
        cells.append(_percent(found.macro_f1))
        cells.append("" if row is ours else _percent(found.ahead, sign="+"))
    same = (f"{100 * row.accuracy[head].agreement.value:.1f}" for head in heads)
    return [*cells, " / ".join(same)]


def _latency(row: Row, parts: Sequence[str], ours: Row) -> list[str]:
    times = row.latency
    against = "" if row is ours else _ratio(row.against_ours)
    numbers = [f"{times[part]:.3f}" for part in (*parts, "sum")]
    return [row.title, " + ".join(row.engines), *numbers, against]


def _cost(row: Row, result: Result) -> list[str]:
    fp32 = next(r for r in result.rows if r.name == FP32)
    base = fp32.conversions[0].size
    sizes = [c.size for c in row.conversions]
    peak = max(c.peak_bytes for c in row.conversions) / 1e6
    whole_peak = max(c.whole_peak_bytes for c in row.conversions) / 1e6
    kept = sorted({f"{part} ({why})" for c in row.conversions for part, why in c.kept.items()})
    total = median(c.whole_cpu_seconds for c in row.conversions)
    return [
        row.title,
        _span([size / 1e3 for size in sizes], "{:.0f}"),
        f"{median(sizes) / base:.2f}",
        _span([c.cpu_seconds for c in row.conversions], "{:.1f}"),
        f"{total:.1f}",
        f"{peak:.0f}",
        f"{whole_peak:.0f}",
        "; ".join(kept) or "none",
    ]


def _goals(result: Result) -> list[str]:
    """The goals against the peers that are converted with every seed, each with its verdict.

    A peer for LiteRT is held against our edition for LiteRT, which has one seed as it has.
    """
    rows = {row.name: row for row in result.rows}
    ours = rows[result.ours]
    lines = [
        "Goals, against the peers converted with every seed, and for LiteRT against the one:",
        "",
    ]
    for row in result.rows:
        if row.name.startswith(result.ours) or row.name == FP32:
            continue
        edition = rows.get(f"{result.ours}-{row.engines[0]}")
        if edition is not None:
            found = [*_speed(ratio(row.rounds, edition.rounds)), *_costs(row, edition)]
            lines.append(f"- {row.title}, against {edition.title}: {'; '.join(found)}")
        elif len(row.conversions) == len(result.seeds):
            found = [*_speed(row.against_ours), *_accurate(row), *_costs(row, ours)]
            lines.append(f"- {row.title}: {'; '.join(found)}")
    return lines


def _speed(reached: Ratio) -> Iterable[str]:
    if reached.low is not None and reached.low > 1:
        yield "our latency is lower"
    elif reached.high is not None and reached.high < 1:
        yield "**our latency is higher**"
    else:
        yield "latency undecided"


def _accurate(row: Row) -> Iterable[str]:
    worse = [head for head, found in row.accuracy.items() if found.ahead.low > 0]
    lost = f"**our accuracy is worse on {', '.join(worse)}**"
    yield lost if worse else "accuracy not worse beyond its interval"


def _costs(row: Row, ours: Row) -> Iterable[str]:
    size = [median(c.size for c in r.conversions) for r in (ours, row)]
    yield "our file is no larger" if size[0] <= size[1] else "**our file is larger**"
    cpu = [median(c.whole_cpu_seconds for c in r.conversions) for r in (ours, row)]
    yield "our CPU time is no higher" if cpu[0] <= cpu[1] else "**our CPU time is higher**"
    peak = [max(c.whole_peak_bytes for c in r.conversions) for r in (ours, row)]
    yield "our memory is no higher" if peak[0] <= peak[1] else "**our memory is higher**"


def _percent(value: Estimate, sign: str = "") -> str:
    numbers = (100 * v for v in (value.value, value.low, value.high))
    middle, low, high = (format(v, f"{sign}.1f") for v in numbers)
    return f"{middle} [{low}..{high}]"


def _ratio(value: Ratio) -> str:
    if value.low is None or value.high is None:
        return f"{value.value:.2f} x"
    return f"{value.value:.2f} x [{value.low:.2f}..{value.high:.2f}]"


def _span(values: Sequence[float], form: str) -> str:
    middle = form.format(median(values))
    if len(values) == 1:
        return middle
    return f"{middle} [{form.format(min(values))}..{form.format(max(values))}]"


def _table(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [heading, ["---"] * len(heading), *rows]
    return ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines]

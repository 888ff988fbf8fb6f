"""A profile as a page to look at."""

from __future__ import annotations

from pathlib import Path

from edge_sdk.pages import Page, Series, bars, histogram, lines, spans
from edge_sdk.runtimes.engines.layer_times import by_operator
from edge_sdk.runtimes.engines.run_times import RunTimes

from .percentiles import Estimate, Latency
from .result import ProfileResult
from .subject import TOTAL
from .within import INVOKE

#: Layers in the plot and the table.
TOP = 15
# Kinds of layers of a part in the table of kinds.
_KINDS = 5
MISSING = "not measured"


def write_page(result: ProfileResult, path: Path) -> None:
    """Write the page, aside first.

    Raises:
        DependencyError: matplotlib is not installed.
        StorageError: the place cannot be written or is full.
    """
    page_of(result).write(path)


def page_of(result: ProfileResult) -> Page:
    """The page: summary, latency, stages, layers, memory, temperature, sensors, provenance."""
    total = result.stages[TOTAL]
    what = result.options.part or "whole answers"
    if result.options.back_to_back:
        what += ", back to back,"
    page = Page(
        f"Profile of {result.bundle.name}",
        lead=f"{what} on {where(result)}, {result.date}.",
    )
    if result.device.emulated:
        page.text(
            f"Emulated ({result.device.emulation}): times below say nothing about a real board."
        )
    page.facts(_summary(result))
    page.section(
        "Latency",
        f"{total.calls} warm calls in {len(total.rounds)} fresh processes, on "
        f"{result.inputs.samples} real samples ({result.inputs.source}). The medians of the "
        f"processes lie {total.noise:.0%} apart: a smaller change cannot be seen here.",
    )
    calls = [v for one in total.rounds for v in one]
    marks = {f"p{n}": getattr(total, f"p{n}").value for n in (50, 90, 95, 99)}
    page.plot(
        histogram({"": calls}, x="ms", y="calls", marks=marks, cut=_cut(calls)),
        caption="Distribution of the warm calls; the last bar holds all that are slower.",
        alt=f"Histogram of {total.calls} latencies; half are below {total.p50.value:.3g} ms.",
    )
    stages = {name: latency for name, latency in result.stages.items() if name != TOTAL}
    if len(stages) > 1:
        begin, rows, notes = 0.0, [], []
        for name, latency in stages.items():
            rows.append((name, begin, latency.p50.value))
            notes.append(f"{latency.p50.value:.3g} ms")
            begin += latency.p50.value
        page.plot(
            spans(rows, x="ms", notes=notes),
            caption="One answer, stage by stage: the median of each, one after the other.",
            alt="Waterfall: " + ", ".join(f"{n} {s.p50.value:.3g} ms" for n, s in stages.items()),
        )
    page.table(
        ("stage", "p50 ms", "95% interval", "p90", "p95", "p99", "max", "noise"),
        [
            (name, s.p50.value, interval(s.p50), s.p90.value, s.p95.value, s.p99.value, s.max,
             f"{s.noise:.0%}")
            for name, s in {**result.stages, "processor time": result.cpu}.items()
        ],
        caption="Warm latency by stage, milliseconds.",
    )  # fmt: skip
    if result.within:
        page.table(
            ("part", *(f"{what} p50 ms" for what in RunTimes._fields), "noise of invoke"),
            [
                (stage, *(one.p50.value for one in parts.values()), f"{parts[INVOKE].noise:.0%}")
                for stage, parts in within_stages(result).items()
            ],
            caption="Where the time of a part goes: until its engine is called (checks, copies), "
            "in the engine, after it. An engine's own tool times the engine alone.",
        )
    _capture(page, result)
    _layers(page, result)
    _memory(page, result)
    _heat(page, result)
    page.section("Sensors", _throttling(result))
    if result.sensors.before:
        after = {(r.probe, r.name, r.quantity): r.value for r in result.sensors.after}
        page.table(
            ("sensor", "of", "before", "after", "unit"),
            [
                (r.name, r.probe, r.value, after.get((r.probe, r.name, r.quantity)), r.unit)
                for r in result.sensors.before
            ],
            caption="Sensors before and after.",
        )
    page.table(
        ("not measured", "why"), result.not_measured.items(), caption="What this profile lacks."
    )
    page.section("Provenance")
    page.facts(_provenance(result))
    return page


def where(result: ProfileResult) -> str:
    """The device in a few words."""
    device = result.device
    return device.model or f"{device.cpu} ({device.arch}, {device.cores} cores)"


def within_stages(result: ProfileResult) -> dict[str, dict[str, Latency]]:
    """What is within the stages of parts, by stage and then by what it is."""
    return {
        stage: {what: result.within[f"{stage}.{what}"] for what in RunTimes._fields}
        for stage in result.stages
        if f"{stage}.{INVOKE}" in result.within
    }


def interval(estimate: Estimate) -> str:
    """``1.2 to 1.4``; empty where there is none."""
    if estimate.low is None or estimate.high is None:
        return ""
    return f"{estimate.low:.3g} to {estimate.high:.3g}"


def _summary(result: ProfileResult) -> dict[str, str]:
    total, memory, energy = result.stages[TOTAL], result.memory, result.energy
    return {
        "p50 / p99": f"{total.p50.value:.3g} / {total.p99.value:.3g} ms",
        "throughput": f"{result.throughput:.3g} answers a second, one after the other",
        "cold": f"libraries {result.cold['import_ms'].value:.0f} ms, "
        f"bundle {result.cold['open_ms'].value:.0f} ms, "
        f"first answer {result.cold['first_ms'].value:.1f} ms",
        "memory": f"{memory.peak.value / 1e6:.1f} MB at the peak, "
        f"{memory.resident.value / 1e6:.1f} MB resident, "
        + (f"{memory.unique.value / 1e6:.1f} MB unique" if memory.unique else f"unique {MISSING}"),
        "processor": f"{result.disturbance.process:.2f} cores busy in this process, "
        + (
            f"{result.disturbance.others:.2f} in others"
            if result.disturbance.others is not None
            else f"others {MISSING}"
        ),
        "energy": MISSING
        if energy is None
        else f"{energy.joules.value * 1e3:.3g} mJ a call, {energy.watts.value:.3g} W "
        f"({energy.scope}: {energy.sensor})",
        "throttled": {None: MISSING, True: "yes", False: "no"}[result.sensors.throttled],
        "size": f"{result.bundle.bytes / 1e6:.2f} MB, graphs {result.bundle.graph_bytes / 1e6:.2f}",
    }


def _capture(page: Page, result: ProfileResult) -> None:
    if not result.capture:
        return
    page.section(
        "Capture",
        "What a live source costs before an answer: samples played through the microphone and "
        "camera classes on a virtual clock. The work of a driver is not in it.",
    )
    page.table(
        ("source", "a call", "capture p50 ms", "p99", "front-end p50 ms", "p99", "of one core"),
        [
            (
                name, one.unit, one.capture.p50.value, one.capture.p99.value,
                one.frontend.p50.value, one.frontend.p99.value,
                "by the frame rate" if one.core is None else f"{one.core:.2%}",
            )
            for name, one in result.capture.items()
        ],
        caption="From a delivery to features.",
    )  # fmt: skip


def _layers(page: Page, result: ProfileResult) -> None:
    if not result.layers:
        return
    page.section("Layers", "Measured in runs of their own, as tracing slows an engine down.")
    found = [
        (part, layer) for part, layers in result.layers.items() for layer in layers.times or ()
    ]
    found.sort(key=lambda pair: -pair[1].median_us)
    if found:
        top = found[:TOP]
        page.plot(
            bars(
                [f"{part}: {_short(layer.name)}" for part, layer in top],
                {"us": [layer.median_us for _, layer in top]},
                x="µs a run, median",
            ),
            caption=f"The {len(top)} slowest of {len(found)} layers.",
            alt=f"Bars of the slowest layers, first {top[0][1].name} of {top[0][0]}.",
        )
        page.table(
            ("part", "layer", "operator", "on", "µs", "share of the part"),
            [(p, x.name, x.operator, x.provider, x.median_us, f"{x.share:.1%}") for p, x in top],
            caption="The slowest layers.",
        )
        page.table(
            ("part", "operator", "on", "layers", "µs together", "share of the part"),
            [
                (part, one.operator, one.provider, one.layers, round(one.us, 3), f"{one.share:.1%}")
                for part, layers in result.layers.items()
                for one in by_operator(layers.times or ())[:_KINDS]
            ],
            caption="Layers of one kind together, the slowest kinds of each part.",
        )
    page.table(
        ("part", "runs on", "nodes", "in float"),
        [
            (
                part,
                name,
                ", ".join(f"{count} {op}" for op, count in nodes.items()) or "not told",
                ", ".join(f"{count} {op}" for op, count in one.placement.in_float.items()),
            )
            for part, one in result.layers.items()
            if one.placement is not None
            for name, nodes in one.placement.nodes.items()
        ],
        caption="Where the nodes run, after the engine's own optimisations.",
    )


def _memory(page: Page, result: ProfileResult) -> None:
    memory = result.memory
    page.section("Memory")
    page.plot(
        lines(
            [
                Series(
                    x=[seconds for seconds, _ in memory.over_time],
                    y=[size / 1e6 for _, size in memory.over_time],
                )
            ],
            x="s",
            y="MB resident",
            from_zero=True,
        ),
        caption="Resident memory during the warm calls of the first process.",
        alt=f"A line about {memory.resident.value / 1e6:.0f} MB.",
    )
    rows = {
        "libraries loaded": memory.imported,
        "bundle open": memory.opened,
        "after the warm calls": memory.resident,
        "peak": memory.peak,
        "unique (USS)": memory.unique,
    }
    page.table(
        ("", "MB", "range over the processes"),
        [
            (name, None if e is None else round(e.value / 1e6, 2), "" if e is None else _range(e))
            for name, e in rows.items()
        ],
        caption=f"Of these, {memory.inputs / 1e6:.1f} MB are the samples that were measured on.",
    )


def _heat(page: Page, result: ProfileResult) -> None:
    page.section("Temperature")
    looks = [p.look for p in result.thermal] or list(result.looks)
    warm = [(one.seconds, one.temperature) for one in looks if one.temperature is not None]
    if warm:
        page.plot(
            lines(
                [Series(x=[at for at, _ in warm], y=[heat for _, heat in warm])],
                x="s",
                y="°C",
            ),
            caption="The hottest zone over time.",
            alt=f"From {warm[0][1]:.0f} to {warm[-1][1]:.0f} degrees.",
        )  # fmt: skip
    else:
        page.text(f"{MISSING}: {result.not_measured.get('temperature', 'no sensor answered')}")
    if result.thermal:
        at = [point.seconds for point in result.thermal]
        page.plot(
            lines(
                [
                    Series(name="p50", x=at, y=[p.p50 for p in result.thermal]),
                    Series(name="p99", x=at, y=[p.p99 for p in result.thermal]),
                ],
                x="s under load",
                y="ms",
                from_zero=True,
            ),
            caption="Latency under a load without pause.",
            alt=f"Median from {result.thermal[0].p50:.3g} to {result.thermal[-1].p50:.3g} ms.",
        )


def _throttling(result: ProfileResult) -> str:
    if result.sensors.throttled is None:
        return "Nothing on this device tells whether it was slowed down."
    if result.sensors.throttled:
        return f"The device was slowed down: {', '.join(result.sensors.throttled_by)}."
    return "The device was not slowed down during the run."


def _provenance(result: ProfileResult) -> dict[str, str]:
    b, d, s = result.bundle, result.device, result.software
    return {
        "bundle": f"{b.digest} for {b.target}, edition {b.edition}",
        "precision": ", ".join(f"{part} {p}" for part, p in b.precisions.items()),
        "device": f"{d.model or 'model unknown'}; {d.cpu}; {', '.join(d.features)}; "
        f"{d.cores} cores, {d.memory_bytes / 2**20:.0f} MB",
        "system": f"{d.os}; kernel {d.kernel}",
        "power mode": ", ".join(f"{k} {v}" for k, v in d.power_mode.items()) or MISSING,
        "governor": d.governor or MISSING,
        "emulated": f"{'yes' if d.emulated else 'no'} ({d.evidence})",
        "software": f"edge-sdk {s.edge_sdk}, Python {s.python}, numpy {s.numpy}, "
        + ", ".join(f"{name} {v}" for name, v in s.engines.items())
        + f"; {s.threads} threads",
        "providers": ", ".join(f"{part} on {p}" for part, p in s.providers.items()),
        "inputs": f"{result.inputs.samples} samples ({result.inputs.source}), "
        f"{result.inputs.digest}",
    }


def _cut(calls: list[float]) -> float:
    ordered = sorted(calls)
    return ordered[int(0.99 * (len(ordered) - 1))] * 1.15


def _range(estimate: Estimate) -> str:
    if estimate.low is None or estimate.high is None:
        return ""
    return f"{estimate.low / 1e6:.2f} to {estimate.high / 1e6:.2f}"


def _short(name: str, length: int = 46) -> str:
    return name if len(name) <= length else f"...{name[3 - length :]}"

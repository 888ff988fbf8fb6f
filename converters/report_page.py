"""A conversion's report as a page to look at."""

from __future__ import annotations

from edge_sdk.pages import Page, Series, bars, canvas, scatter

from .candidates import make_words
from .report import ActivationHistogram, ConversionReport, EditionReport, PartEvidence, SearchReport

# Rows of a plot of layers or activations; the table below has more.
_TOP = 12


def page_of(report: ConversionReport) -> Page:
    """The page: what shipped, the candidates, the parts, accuracy, layers, calibration.

    Raises:
        DependencyError: matplotlib is not installed (when the page is made).
    """
    best = report.preferred
    page = Page(
        f"Conversion of {report.name}",
        lead=f"For {report.target}; {best.size / 1e6:.2f} MB of graphs on {best.engine}, "
        f"{best.size / report.fp32_size:.2f} of fp32.",
    )
    for warning in report.warnings:
        page.text(f"Warning: {warning}")
    if report.search is not None:
        _candidates(page, report.search)
    for edition in report.editions:
        _edition(page, edition)
    _shares(page, best, report.evidence)
    _accuracy(page, best)
    _layers(page, report.evidence)
    _coverage(page, best)
    page.footer(
        "Drops are points of macro-F1 against fp32 on held-out samples; without labels, the share "
        "of other answers. Intervals are of 95 %: of accuracy by Wilson, of macro-F1 by bootstrap."
    )
    return page


def _candidates(page: Page, search: SearchReport) -> None:
    timed = any(c.milliseconds is not None for c in search.candidates)
    measured = f" Times were measured on {search.machine}." if timed else ""
    caveat = (
        f" It stands in for the target and may rank them otherwise: {search.caveat}."
        if timed and search.caveat
        else ""
    )
    page.section("Candidates", f"What was tried, and what nothing beats.{measured}{caveat}")
    _front(page, search, timed=False)
    if timed:
        _front(page, search, timed=True)
    page.table(
        ("candidate", "engine", "points lost", "MB", "ms", "noise", "front", "outcome"),
        [
            (c.words, c.engine, f"{max(c.drops.values()):+.2f}", f"{c.size / 1e6:.3f}",
             None if c.milliseconds is None else f"{c.milliseconds:.3f}",
             None if c.noise is None else f"{c.noise:.3f}", "yes" if c.front else "",
             "ships" if c.rungs else "" if c.fits else "over budget")
            for c in search.candidates
        ],
        caption="Candidates by size.",
        verdicts={"ships": "good", "over budget": "bad"},
    )  # fmt: skip


def _front(page: Page, search: SearchReport, *, timed: bool) -> None:
    def cost(c: object) -> float:
        value = c.milliseconds if timed else c.size / 1e6  # type: ignore[attr-defined]
        return float(value or 0.0)

    known = [c for c in search.candidates if not timed or c.milliseconds is not None]
    rest = [c for c in known if not c.front]
    front = [c for c in known if c.front]
    series = [
        Series(name="Pareto front", x=[cost(c) for c in front],
               y=[max(c.drops.values()) for c in front], labels=[_short(c.words) for c in front]),
        Series(name="beaten", x=[cost(c) for c in rest], y=[max(c.drops.values()) for c in rest]),
    ]  # fmt: skip
    unit = "ms" if timed else "MB"
    limit = search.max_milliseconds
    if not timed:
        limit = None if search.max_bytes is None else search.max_bytes / 1e6
    page.plot(
        scatter([s for s in series if s.x], x=unit, y="points lost", limit_x=limit,
                limit_y=search.max_drop),
        caption=f"Loss of the worst head against {unit}; dashed lines are the budgets.",
        alt=f"Scatter of {len(known)} candidates, points lost against {unit}; "
        f"{len(front)} are on the Pareto front.",
    )  # fmt: skip


def _edition(page: Page, edition: EditionReport) -> None:
    rung = "" if edition.rung == "full" else f", variant {edition.rung}"
    words = make_words(edition.pruned, edition.tuned)
    page.section(f"On {edition.engine}{rung}")
    page.table(
        ("part", "engine", "precision", "kB", "kB fp32", "weights", "still float"),
        [
            (part.name, part.engine, part.precision, f"{part.size / 1e3:.1f}",
             f"{part.fp32_size / 1e3:.1f}", part.parameters,
             next((f"{a.stayed_float.weights:.0%} of weights" for a in part.attempts
                   if a.precision == part.precision and a.stayed_float), ""))
            for part in edition.parts
        ],
        caption=f"Parts{f', {words}' if words else ''}; "
        f"{edition.size / 1e6:.2f} MB in all.",
    )  # fmt: skip
    for part in edition.parts:
        for sentence in part.rejected:
            page.text(sentence)


def _shares(page: Page, edition: EditionReport, evidence: tuple[PartEvidence, ...]) -> None:
    page.section("Where size, work and time go")
    macs = {part.name: part.macs for part in evidence}
    names = [part.name for part in edition.parts]
    amounts: dict[str, list[float]] = {"size": [part.size for part in edition.parts]}
    if all(name in macs for name in names):
        amounts["multiply-accumulates"] = [macs[name] for name in names]
    times = [
        next((a.milliseconds for a in part.attempts if a.precision == part.precision), None)
        for part in edition.parts
    ]
    if all(time is not None for time in times):
        amounts["latency"] = [time or 0.0 for time in times]
    shares = {
        name: [100 * value / (sum(values) or 1) for value in values]
        for name, values in amounts.items()
    }
    page.plot(
        bars(names, shares, x="% of the whole"),
        caption=f"Share of each part in {', '.join(shares)}.",
        alt="; ".join(f"{n}: {', '.join(f'{v:.0f} %' for v in s)}" for n, s in shares.items()),
    )


def _accuracy(page: Page, edition: EditionReport) -> None:
    page.section(
        "Accuracy",
        f"On {edition.quality.samples} samples ({edition.quality.source}).",
    )
    heads = {name: q for name, q in edition.quality.heads.items() if q.samples}
    if heads:
        page.plot(
            bars(
                list(heads),
                {"fp32": [100 * q.fp32.accuracy for q in heads.values()],
                 "shipped": [100 * q.shipped.accuracy for q in heads.values()]},
                x="accuracy, %",
                errors={kind: [tuple(100 * end for end in getattr(edition.intervals[name], kind))
                               for name in heads] for kind in ("fp32", "shipped")},
            ),
            caption="Accuracy of each head, with its interval of 95 %.",
            alt="; ".join(f"{n}: {q.fp32.accuracy:.1%} in fp32, {q.shipped.accuracy:.1%} shipped"
                          for n, q in heads.items()),
        )  # fmt: skip
        page.plot(
            bars(
                list(heads),
                {"fp32": [q.fp32.macro_f1 for q in heads.values()],
                 "shipped": [q.shipped.macro_f1 for q in heads.values()]},
                x="macro-F1",
                errors={kind: [getattr(edition.intervals[name], f"f1_{kind}") for name in heads]
                        for kind in ("fp32", "shipped")},
            ),
            caption="Macro-F1 of each head, with its interval of 95 %.",
            alt="; ".join(f"{n}: {q.fp32.macro_f1:.3f} in fp32, {q.shipped.macro_f1:.3f} shipped"
                          for n, q in heads.items()),
        )  # fmt: skip
    page.table(
        ("head", "samples", "accuracy fp32", "shipped", "F1 fp32", "shipped",
         "points lost (95 %)", "same label"),
        [
            (name, q.samples, *(f"{v:.3f}" if q.samples else None for v in
             (q.fp32.accuracy, q.shipped.accuracy, q.fp32.macro_f1, q.shipped.macro_f1)),
             _lost(edition, name) if q.samples else None, f"{q.agreement:.1%}")
            for name, q in edition.quality.heads.items()
        ],
        caption="All parts together.",
    )  # fmt: skip


def _lost(edition: EditionReport, head: str) -> str:
    low, high = edition.intervals[head].drop
    return f"{edition.quality.heads[head].drop:+.2f} ({low:+.2f} to {high:+.2f})"


def _layers(page: Page, evidence: tuple[PartEvidence, ...]) -> None:
    if not evidence:
        return
    page.section(
        "Layers in int8",
        "The signal-to-noise ratio of a part's output with one layer alone in int8: low is costly.",
    )
    for part in evidence:
        if part.layers:
            shown = part.layers[:_TOP]
            page.plot(
                bars([x.name for x in shown], {"": [x.snr_db for x in shown]}, x="dB"),
                caption=f"{part.name}: the {len(shown)} costliest of {len(part.layers)} layers; "
                f"the whole part has {part.snr_db:.1f} dB.",
                alt="; ".join(f"{x.name} {x.snr_db:.1f} dB" for x in shown),
            )
        for histogram in part.activations:
            _activations(page, part.name, histogram)


def _activations(page: Page, part: str, shown: ActivationHistogram) -> None:
    low, high = shown.range
    with canvas() as drawn:
        axes = drawn.axes
        axes.stairs(shown.counts, shown.edges, fill=True, color=drawn.colours[0])
        for at in (low, high):
            axes.axvline(at, color=drawn.ink, linewidth=1, linestyle="--")
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter("{x:g}")
        axes.set_xlabel("value")
        axes.set_ylabel("count")
    page.plot(
        drawn.drawing,
        caption=f"{part}: what {shown.layer} gives; dashed lines are the range that int8 covers.",
        alt=f"Histogram of the activations of {shown.layer}; int8 covers {low:.3g} to {high:.3g}.",
    )


def _coverage(page: Page, edition: EditionReport) -> None:
    known = {
        part.name: attempt.coverage
        for part in edition.parts
        for attempt in part.attempts
        if attempt.coverage is not None
    }
    if not known:
        return
    page.section(
        "Calibration",
        "How much of each activation's range the last quarter of the samples still widened: near "
        "0, the ranges have settled.",
    )
    for name, coverage in known.items():
        worst = sorted(coverage.widened.items(), key=lambda item: (-item[1], item[0]))[:_TOP]
        page.plot(
            bars([tensor for tensor, _ in worst], {"": [100 * share for _, share in worst]},
                 x="% of the range"),
            caption=f"{name}: the last {coverage.last} of {coverage.samples} samples, the "
            f"{len(worst)} activations that they widened most.",
            alt="; ".join(f"{tensor} {share:.0%}" for tensor, share in worst),
        )  # fmt: skip


def _short(words: str) -> str:
    """A label that fits beside a point: mixtures are told by the table."""
    return words if len(words) <= 24 else ""

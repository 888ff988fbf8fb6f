"""The outcome of a run as data (``--json``) and as the page ``RESULTS.md``."""

from __future__ import annotations

import msgspec

from .figure import Reading, Verdict
from .machine import Machine
from .spread import Spread, spread

SCHEMA = 1


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A reading as it is reported; without a ``spread`` it was not measured, for ``detail``."""

    figure: str
    what: str
    unit: str
    spread: Spread | None
    limit: float | None
    goal: float | None
    verdict: Verdict | None
    close: bool
    detail: str


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """One run: when, where, how busy the machine was, and a row a reading."""

    schema: int = SCHEMA
    date: str
    machine: Machine
    load_before: tuple[float, float, float]
    load_after: tuple[float, float, float]
    seconds: float
    command: str
    rows: tuple[Row, ...]

    @property
    def missed(self) -> tuple[Row, ...]:
        """The rows whose limit is missed."""
        return tuple(row for row in self.rows if row.verdict == "missed")


def row_of(figure: str, reading: Reading) -> Row:
    """The row of a reading."""
    return Row(
        figure=figure,
        what=reading.what,
        unit=reading.unit,
        spread=spread(reading.values),
        limit=reading.limit,
        goal=reading.goal,
        verdict=reading.verdict,
        close=reading.close,
        detail=reading.detail,
    )


def gap(figure: str, what: str, why: str) -> Row:
    """The row of a figure that could not be measured."""
    return Row(
        figure=figure,
        what=what,
        unit="",
        spread=None,
        limit=None,
        goal=None,
        verdict=None,
        close=False,
        detail=why,
    )


def to_json(report: Report) -> bytes:
    """One JSON object."""
    return msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n"


def to_markdown(report: Report) -> str:
    """The page; every row says how to measure it alone."""
    machine = report.machine
    versions = ", ".join(f"{name} {number}" for name, number in machine.versions.items())
    reality = "emulated: absolute times mean nothing" if machine.emulated else "not emulated"
    heading = ("figure", "measured: median [min..max]", "limit", "goal", "verdict", "on")
    lines = [
        "# Results",
        "",
        f"Measured on {report.date} by `{report.command}`, in {report.seconds:.0f} s.",
        "",
        f"- machine: {machine.cpu}, {machine.cores} cores, {machine.memory_mb} MB; "
        f"{', '.join(machine.features) or 'no notable instructions'}",
        f"- system: {machine.system}; frequency governor: {machine.governor}; {reality}",
        f"- versions: Python {machine.python}, {versions}",
        f"- load average before: {_load(report.load_before)}; after: {_load(report.load_after)}",
        "",
        _line(heading),
        _line(["---"] * len(heading)),
        *(_line(_cells(row)) for row in report.rows),
        "",
        "Ratios and differences are taken inside one run, both sides in turns; the median counts, "
        "and smaller is better. A limit inside the noise band is marked: another run may fall on "
        "its other side. To repeat one figure:",
        "",
        *(f"- {name}: `{report.command} --only {name}`" for name in _names(report)),
        "",
        "The time of `make demo` is that of a fresh machine and is measured where the demo runs, "
        "not here.",
    ]
    return "\n".join(lines) + "\n"


def _cells(row: Row) -> list[str]:
    if row.spread is None:
        return [row.what, "not measured", "", "", "", row.detail]
    s = row.spread
    measured = f"{_number(s.median, row.unit)} [{_number(s.low)}..{_number(s.high)}]"
    if s.count == 1:
        measured = f"{_number(s.median, row.unit)} (once)"
    verdict = f"**{row.verdict}**" if row.verdict == "missed" else str(row.verdict)
    if row.close:
        verdict += " (limit inside the noise)"
    limit, goal = (_number(v, row.unit) if v is not None else "" for v in (row.limit, row.goal))
    return [row.what, measured, limit, goal, verdict, row.detail]


def _line(cells: list[str] | tuple[str, ...]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _number(value: float, unit: str = "") -> str:
    digits = f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else ""
    return f"{digits or format(value, '.3g')} {unit}".rstrip()


def _load(load: tuple[float, float, float]) -> str:
    return " ".join(f"{value:.2f}" for value in load)


def _names(report: Report) -> list[str]:
    return list(dict.fromkeys(row.figure for row in report.rows))

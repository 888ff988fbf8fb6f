"""The report of a conversion, from what its stages found."""

from __future__ import annotations

from collections.abc import Iterator

from .assemble import Conversion
from .backends import Artefact
from .edition import Edition
from .export.shorten import shorten
from .quantisation.share import parameter_count
from .report import (
    Attempt,
    CandidateReport,
    ConversionReport,
    EditionReport,
    PartReport,
    SearchReport,
)
from .search import Trial, front


def make_report(found: Conversion) -> ConversionReport:
    """What was tried and shipped for each part on each engine and rung."""
    return ConversionReport(
        name=found.source.name,
        target=found.profile.name,
        editions=tuple(_edition(found, edition) for edition in found.editions),
        fp32_size=sum(shorten(graph).ByteSize() for graph in found.graphs.values()),
        warnings=(*found.warnings, *_unsettled(found)),
        search=_search(found) if found.trials else None,
    )


def _unsettled(found: Conversion) -> Iterator[str]:
    """Warnings of parts whose calibration has not settled; one a part."""
    warned: set[str] = set()
    for edition in found.editions:
        for name, artefact in edition.artefacts.items():
            sentence = artefact.coverage.warning(name) if artefact.coverage else None
            if sentence and name not in warned:
                warned.add(name)
                yield sentence


def _search(found: Conversion) -> SearchReport:
    """Every trial, by engine; ``front`` marks those that nothing beats."""
    candidates = []
    for engine in found.profile.engines:
        trials = [t for t in found.trials if t.pool.candidates.engine == engine]
        best = {id(trial) for trial in front(trials)}
        for trial in sorted(trials, key=lambda trial: (trial.size, trial.drop)):
            candidates.append(_candidate(found, trial, id(trial) in best))
    limits = found.limits
    return SearchReport(
        max_drop=limits.max_drop,
        max_bytes=limits.max_bytes,
        max_milliseconds=limits.max_milliseconds,
        machine=found.machine,
        caveat=found.caveat,
        notes=tuple(found.notes),
        candidates=tuple(candidates),
    )


def _candidate(found: Conversion, trial: Trial, front: bool) -> CandidateReport:
    rungs = [
        edition.rung
        for edition in found.editions
        if edition.pool is trial.pool and edition.chosen == trial.assignment
    ]
    return CandidateReport(
        engine=trial.pool.candidates.engine,
        pruned=trial.pool.candidates.form.make.pruned,
        tuned=trial.pool.candidates.form.make.tuned,
        words=trial.words,
        precisions=trial.assignment,
        drops=trial.drops,
        size=trial.size,
        milliseconds=trial.time.milliseconds if trial.time else None,
        noise=trial.time.noise if trial.time else None,
        fits=trial.fits(found.limits),
        front=front,
        rungs=tuple(rungs),
    )


def _edition(found: Conversion, edition: Edition) -> EditionReport:
    return EditionReport(
        engine=edition.engine,
        rung=edition.rung,
        modalities=edition.modalities,
        pruned=edition.candidates.form.make.pruned,
        tuned=edition.candidates.form.make.tuned,
        parts=tuple(_part(found, edition, name) for name in edition.chosen),
        quality=found.quality(edition),
        intervals=edition.gate.intervals(edition.chosen, edition.modalities),
        size=edition.size,
    )


def _part(found: Conversion, edition: Edition, name: str) -> PartReport:
    made, timings = edition.candidates.artefacts[name], edition.pool.timings
    attempts = tuple(
        Attempt(
            precision=precision,
            size=artefact.size,
            drops=edition.gate.drops({name: precision}),
            stayed_float=artefact.stayed_float,
            kernels=artefact.kernels,
            kept=artefact.kept,
            coverage=artefact.coverage,
            notes=artefact.notes,
            milliseconds=None if timings is None else timings[name][precision].milliseconds,
        )
        for precision, artefact in made.items()
    )
    chosen = edition.chosen[name]
    rejected = [*edition.candidates.rejected.get(name, ())]
    rejected += [edition.why[name]] if name in edition.why else []
    if name in edition.candidates.fallbacks:
        why = edition.candidates.fallbacks[name]
        rejected.append(f"{name} falls back to {made[chosen].engine}: {why}")
    return PartReport(
        name=name,
        engine=made[chosen].engine,
        precision=chosen,
        size=made[chosen].size,
        fp32_size=shorten(found.graphs[name]).ByteSize(),
        parameters=parameter_count(edition.candidates.form.graphs[name]),
        attempts=attempts,
        rejected=tuple(rejected),
        streaming=_streaming(found, name, made[chosen]),
    )


def _streaming(found: Conversion, name: str, artefact: Artefact) -> str:
    form, audio = artefact.streaming, found.source.frontends.audio
    if isinstance(form, str):
        return f"Streaming: {name} does not stream. {form}" if form else ""
    milliseconds = form.frames * (audio.hop_ms if audio else 0)
    size = f", a graph of {len(form.content) / 1e3:.1f} kB more" if form.content else ""
    return f"Streaming: {name} in steps of {milliseconds:g} ms{size}."

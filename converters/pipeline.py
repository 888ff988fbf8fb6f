"""Checkpoint to bundle: export, calibrate, quantise, gate, golden values, write."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec
from numpy.typing import NDArray

from edge_sdk.bundle import write_bundle
from edge_sdk.bundle.golden import encode_arrays
from edge_sdk.bundle.manifest import Tolerances
from edge_sdk.errors import DataError, UsageError
from edge_sdk.files import check_writable
from edge_sdk.frontends import Frontends
from edge_sdk.frontends.media import sample_features
from edge_sdk.samples import Sample, SampleSet
from edge_sdk.targets import Precision, TargetProfile, load_target

from .assemble import Conversion, file_of, make_manifest, make_report
from .backends import Runner
from .cache import StageCache, default_cache
from .checkpoint import read_checkpoint
from .data import Split, split_data
from .edition import Candidates, check_size, choose, make_candidates
from .feeds import Wiring, wiring_of
from .gate import Gate
from .golden import expected_values, golden_inputs, pick
from .progress import Progress, silent
from .reference import Reference
from .report import ConversionReport
from .selfcheck import check_on_host
from .source import Source, from_checkpoint
from .works import Works, export_parts


def convert(
    checkpoint: str | Path,
    *,
    calibration: str | Path,
    output: str | Path,
    target: str | TargetProfile = "local",
    evaluation: str | Path | None = None,
    max_drop: float | None = None,
    precision: Literal["auto", "int8", "fp32"] = "auto",
    cache: str | Path | None = "default",
    progress: Progress = silent,
) -> ConversionReport:
    """Convert a checkpoint into a verified bundle for one target.

    Args:
        checkpoint: a ``.pt`` file or a folder with ``model.safetensors`` and ``config.json``.
        calibration: a sample set of real samples, at least 32 with each modality.
        output: the bundle: a ``.edge`` file, or a folder.
        target: a profile, its name, or the path of a ``.toml`` file.
        evaluation: a sample set held out for the gate; without it a share of ``calibration``
            is kept out of calibration for that.
        max_drop: points of macro-F1 that a head may lose; by default the target's budget.
        precision: one precision for every part, or the target's order of preference.
        cache: where results of stages are kept (None: nowhere).
        progress: called as stages go on.

    Raises:
        UsageError: unknown target or precision.
        CheckpointError: the checkpoint is damaged, unsafe or inconsistent.
        DataError: too few samples, a malformed set, or an unknown label.
        InputError: a file of a sample cannot be used.
        ExportError: a part cannot be exported, or differs from torch.
        BudgetError: no combination of precisions keeps the budgets; nothing is written.
        DependencyError: the tools for one of the target's engines are not installed.
        StorageError: the output or the cache cannot be written.
    """
    profile = target if isinstance(target, TargetProfile) else load_target(target)
    precisions = _precisions(profile, precision)
    limit = float(profile.budgets.max_drop if max_drop is None else max_drop)
    if not limit >= 0:
        raise UsageError(f"The largest drop must be at least 0 points, not {limit:g}.")
    output = Path(output)
    check_writable(output)
    source = from_checkpoint(read_checkpoint(checkpoint))
    split = split_data(calibration, evaluation, Frontends(source.frontends).modalities)
    store = StageCache(
        default_cache() if cache == "default" else Path(cache) if cache is not None else None
    )
    found, contents, warnings = _carry_out(
        source, profile, precisions, limit, split, store, progress
    )
    report = make_report(found, warnings)
    contents["report.json"] = msgspec.json.format(msgspec.json.encode(report), indent=1) + b"\n"
    write_bundle(output, make_manifest(found), contents)
    return msgspec.structs.replace(report, output=str(output))


def _carry_out(
    source: Source,
    profile: TargetProfile,
    precisions: Sequence[Precision],
    limit: float,
    split: Split,
    store: StageCache,
    progress: Progress,
) -> tuple[Conversion, dict[str, bytes], list[str]]:
    """All stages but writing: what was found, the bundle's files, and warnings."""
    frontends = Frontends(source.frontends)
    graphs = export_parts(source, store, progress)
    base: dict[str, Runner] = {name: Reference(graph) for name, graph in graphs.items()}
    wiring = wiring_of(frontends.modalities, graphs)
    works = Works(source, graphs, base, wiring, split.calibration, store, progress)
    parts = [works.make(spec, profile.int8) for spec in source.parts]
    tolerances = Tolerances()

    candidates = [make_candidates(engine, parts, precisions) for engine in profile.engines]
    gates = _observe(candidates, base, wiring, source, split.evaluation, frontends, progress)
    editions = [choose(made, gates[made.engine], limit) for made in candidates]
    for edition in editions:
        check_size(edition, profile)

    progress("golden", 0, len(editions))
    golden = golden_inputs(split.evaluation, pick(list(split.evaluation), wiring), frontends)
    contents: dict[str, bytes] = {}
    warnings = split.warnings()
    for sample in golden:
        contents |= sample.files
    for done, edition in enumerate(editions, 1):
        expected = [expected_values(wiring, edition.runners, s.features) for s in golden]
        for sample, values in zip(golden, expected, strict=True):
            contents[sample.expected_file(edition.engine)] = encode_arrays(values)
        warnings += check_on_host(edition, wiring, golden, expected, tolerances, profile)
        contents |= {file_of(n, a): a.content for n, a in edition.artefacts.items()}
        progress("golden", done, len(editions))
    found = Conversion(
        source=source,
        profile=profile,
        graphs=graphs,
        editions=editions,
        gates=gates,
        golden=golden,
        split=split,
        limit=limit,
        tolerances=tolerances,
    )
    return found, contents, warnings


def _precisions(profile: TargetProfile, precision: str) -> tuple[Precision, ...]:
    if precision == "auto":
        return profile.precisions
    if precision == "int8":
        return ("int8",)
    if precision == "fp32":
        return ("fp32",)
    raise UsageError(f"There is no precision {precision!r}; known: auto, int8, fp32.")


def _observe(
    candidates: Sequence[Candidates],
    base: Mapping[str, Runner],
    wiring: Wiring,
    source: Source,
    samples: SampleSet,
    frontends: Frontends,
    progress: Progress,
) -> dict[str, Gate]:
    """A gate an engine, each shown every evaluation sample."""
    gates = {}
    for made in candidates:
        gate = Gate(base, made.runners, wiring, source.heads)
        stage = "evaluate" if len(candidates) == 1 else f"evaluate {made.engine}"
        gate.observe(_features(samples, wiring, frontends, stage, progress))
        if not gate.samples:
            raise DataError(
                f"No sample of the set at {samples.root} has what this model takes: "
                f"{', '.join(wiring.modalities)}."
            )
        gates[made.engine] = gate
    return gates


def _features(
    samples: SampleSet, wiring: Wiring, frontends: Frontends, stage: str, progress: Progress
) -> Iterator[tuple[Sample, dict[str, NDArray[Any]]]]:
    for done, sample in enumerate(samples):
        progress(stage, done, len(samples))
        if wiring.takes(sample.modalities):
            yield sample, sample_features(frontends, samples, sample, wiring.modalities)
    progress(stage, len(samples), len(samples))

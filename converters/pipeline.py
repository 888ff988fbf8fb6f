"""Checkpoint to bundle: export, calibrate, quantise, gate, golden values, write."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec
import onnx
from numpy.typing import NDArray

from edge_sdk.bundle import write_bundle
from edge_sdk.bundle.manifest import MANIFEST, Quality, Tolerances
from edge_sdk.errors import BudgetError, DataError, UsageError
from edge_sdk.files import check_writable
from edge_sdk.frontends import Frontends
from edge_sdk.frontends.media import sample_features
from edge_sdk.samples import Sample, SampleSet
from edge_sdk.targets import Precision, TargetProfile, load_target

from .assemble import artefact, make_manifest, make_report
from .cache import StageCache, default_cache
from .checkpoint import read_checkpoint
from .data import split_data
from .gate import Gate, settle, worst_head
from .golden import make_golden, pick
from .graphs import PartGraphs, Progress, export_parts, quantise_parts
from .report import ConversionReport
from .selfcheck import check_on_host
from .source import Source, from_checkpoint


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
    progress: Progress = lambda stage, done, total: None,
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
        UsageError: unknown target or precision, or an output that is there and no bundle.
        CheckpointError: the checkpoint is damaged, unsafe or inconsistent.
        DataError: too few samples, a malformed set, or an unknown label.
        InputError: a file of a sample cannot be used.
        ExportError: a part cannot be exported, or differs from torch.
        BudgetError: no combination of precisions keeps the budgets; nothing is written.
        StorageError: the output or the cache cannot be written.
    """
    profile = target if isinstance(target, TargetProfile) else load_target(target)
    precisions = _precisions(profile, precision)
    limit = float(profile.budgets.max_drop if max_drop is None else max_drop)
    if not limit >= 0:
        raise UsageError(f"The largest drop must be at least 0 points, not {limit:g}.")
    output = Path(output)
    _check_output(output)
    source = from_checkpoint(read_checkpoint(checkpoint))
    frontends = Frontends(source.frontends)
    split = split_data(calibration, evaluation, frontends.modalities)
    store = StageCache(
        default_cache() if cache == "default" else Path(cache) if cache is not None else None
    )

    parts = export_parts(source, store, progress)
    if "int8" in precisions:
        quantise_parts(parts, source, split.calibration, profile.int8, store, progress)
    gate = _observe(parts, source, split.evaluation, frontends, progress)
    chosen, nearest = settle(gate, precisions, tuple(parts), limit)
    if chosen is None:
        raise BudgetError(_too_much(gate, nearest, limit))
    shipped = {name: parts[name].graphs[chosen[name]] for name in parts}
    _check_size(shipped, profile)

    progress("golden", 0, 1)
    picked = pick(list(split.evaluation), frontends.modalities)
    golden = make_golden(split.evaluation, picked, frontends, shipped)
    tolerances = Tolerances()
    warnings = [*split.warnings(), *check_on_host(golden, shipped, chosen, tolerances, profile)]
    quality = Quality(
        source=split.source,
        samples=gate.samples,
        max_drop=limit,
        heads=gate.quality(chosen),
    )
    report = make_report(source, profile, parts, gate, chosen, quality, warnings)
    progress("golden", 1, 1)
    manifest = make_manifest(source, profile, parts, chosen, quality, tolerances, golden, split)
    contents = {artefact(n, chosen[n]): graph.SerializeToString() for n, graph in shipped.items()}
    contents |= golden.files
    contents["report.json"] = msgspec.json.format(msgspec.json.encode(report), indent=1) + b"\n"
    write_bundle(output, manifest, contents)
    return msgspec.structs.replace(report, output=str(output))


def _check_output(output: Path) -> None:
    """See before long work that the output can be written and replaces nothing but a bundle."""
    check_writable(output)
    if output.is_dir() and any(output.iterdir()) and not (output / MANIFEST).is_file():
        raise UsageError(
            f"The folder {output} is there, is not empty, and is no bundle: it would be replaced "
            "as a whole. Name a new folder, or a .edge file."
        )
    if output.is_file() and output.suffix != ".edge":
        raise UsageError(
            f"{output} is a file, where the bundle is to be a folder. Name another place, or "
            "end the name in .edge for a bundle in one file."
        )


def _precisions(profile: TargetProfile, precision: str) -> tuple[Precision, ...]:
    if precision == "auto":
        return profile.precisions
    if precision == "int8":
        return ("int8",)
    if precision == "fp32":
        return ("fp32",)
    raise UsageError(f"There is no precision {precision!r}; known: auto, int8, fp32.")


def _observe(
    parts: Mapping[str, PartGraphs],
    source: Source,
    samples: SampleSet,
    frontends: Frontends,
    progress: Progress,
) -> Gate:
    gate = Gate({name: part.graphs for name, part in parts.items()}, source.heads)

    def features() -> Iterator[tuple[Sample, dict[str, NDArray[Any]]]]:
        for done, sample in enumerate(samples):
            progress("evaluate", done, len(samples))
            found = sample_features(frontends, samples, sample, frontends.modalities)
            if found:
                yield sample, found
        progress("evaluate", len(samples), len(samples))

    gate.observe(features())
    if not gate.samples:
        raise DataError(
            f"No sample of the set at {samples.root} has a modality of this model; "
            f"it takes {', '.join(frontends.modalities)}."
        )
    return gate


def _check_size(shipped: Mapping[str, onnx.ModelProto], profile: TargetProfile) -> None:
    size = sum(graph.ByteSize() for graph in shipped.values())
    limit = profile.budgets.max_size_mb
    if limit is not None and size > limit * 1e6:
        raise BudgetError(
            f"The graphs take {size / 1e6:.2f} MB and the target {profile.name} allows "
            f"{limit:g} MB; no bundle was written. Train a smaller model, or raise the budget "
            "in a target profile of your own."
        )


def _too_much(gate: Gate, nearest: Mapping[str, Precision], limit: float) -> str:
    parts = ", ".join(f"{name} {precision}" for name, precision in nearest.items())
    return (
        f"No combination of precisions keeps the budget of {limit:g} points; no bundle was "
        f"written. Nearest: {parts}, with {worst_head(gate.drops(nearest))}. Allow more with "
        "--max-drop, or allow fp32."
    )

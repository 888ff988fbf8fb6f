"""Checkpoint to bundle: export, calibrate, quantise, gate, golden values, write."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import msgspec
from torch import nn

from edge_sdk.bundle import write_bundle
from edge_sdk.bundle.writer import check_replaceable
from edge_sdk.errors import EdgeError, UsageError
from edge_sdk.files import check_writable
from edge_sdk.frontends import Frontends
from edge_sdk.targets import Precision, TargetProfile, load_target

from .assemble import make_manifest, make_report
from .cache import StageCache, default_cache
from .data import split_data
from .progress import Progress, silent
from .report import ConversionReport
from .source import Source
from .sources import Origin, as_origin, read_source
from .stages import Stages
from .verify_tensorrt import require_compiler
from .whereabouts import converting

Choice = Literal["auto", "int8", "fp32"]


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """One target of a run: its report, or the error that ended it."""

    target: str
    report: ConversionReport | None = None
    error: EdgeError | None = None


def convert(
    checkpoint: str | Path | nn.Module | Origin,
    *,
    calibration: str | Path,
    output: str | Path,
    target: str | TargetProfile = "local",
    evaluation: str | Path | None = None,
    max_drop: float | None = None,
    precision: Choice = "auto",
    engines: Sequence[str] = (),
    check_kernels: bool = False,
    streaming: bool = False,
    spec: str | Path | None = None,
    cache: str | Path | None = "default",
    progress: Progress = silent,
) -> ConversionReport:
    """Convert a checkpoint into a verified bundle for one target.

    Args:
        checkpoint: a ``.pt`` file or a folder with ``model.safetensors`` and ``config.json``;
            or, with ``spec``, a model of your own: an nn.Module, a ``.pt2`` or ``.onnx`` file, or
            an :class:`~edge_sdk.converters.sources.Origin`.
        calibration: a sample set of real samples, at least 32 with each modality.
        output: the bundle: a ``.edge`` file, or a folder.
        target: a profile, its name, or the path of a ``.toml`` file.
        evaluation: a sample set held out for the gate; without it a share of ``calibration``
            is kept out of calibration for that.
        max_drop: points of macro-F1 that a head may lose; by default the target's budget.
        precision: one precision for every part, or the target's order of preference.
        engines: an edition for each of these, in order of preference; by default the target's.
        streaming: a streaming form of the audio encoder also where it is a graph of its own with
            weights of its own (LiteRT); ONNX graphs stream wherever their layers allow it.
        check_kernels: insist that TensorRT's compiler is here, for the report to say which
            kernels it has for every graph of a kit. Where it is here it is asked anyway.
        spec: the ``model.toml`` that says what a model of your own takes and answers.
        cache: where results of stages are kept (None: nowhere).
        progress: called as stages go on.

    Raises:
        UsageError: unknown target or precision, or a spec that is wrong or lacks.
        CheckpointError: the checkpoint is damaged, unsafe or inconsistent, or a model is not
            what its spec says.
        DataError: too few samples, a malformed set, or an unknown label.
        InputError: a file of a sample cannot be used.
        ExportError: a part cannot be exported, or differs from torch.
        BudgetError: no combination of precisions keeps the budgets; nothing is written.
        DependencyError: the tools for one of the target's engines are not installed.
        StorageError: the output or the cache cannot be written, or something that is no bundle
            is where the output is to go.
    """
    profile = _profile(target, engines)
    _check(profile, max_drop, precision)
    if check_kernels:
        require_compiler(profile.engines)
    output = Path(output)
    _check_output(output)
    source = read_source(as_origin(checkpoint, spec))
    stages = _stages(source, calibration, evaluation, cache, progress, streaming)
    return _one(stages, profile, output, max_drop, precision)


def convert_targets(
    checkpoint: str | Path | nn.Module | Origin,
    targets: Sequence[str | TargetProfile],
    *,
    calibration: str | Path,
    output: str | Path,
    evaluation: str | Path | None = None,
    max_drop: float | None = None,
    precision: Choice = "auto",
    engines: Sequence[str] = (),
    check_kernels: bool = False,
    streaming: bool = False,
    spec: str | Path | None = None,
    cache: str | Path | None = "default",
    progress: Progress = silent,
    settled: Callable[[Outcome], None] = lambda outcome: None,
) -> tuple[Outcome, ...]:
    """Convert for several targets in one run: ``output/<model>-<target>.edge`` each.

    What the targets share is done once. A target that fails does not keep the others from
    finishing; its outcome carries the error. ``settled`` is called with each outcome at once.
    Arguments and errors that concern all targets are those of :func:`convert`.
    """
    profiles = [_profile(target, engines) for target in targets]
    for profile in profiles:
        _check(profile, max_drop, precision)
    if check_kernels:
        require_compiler({engine for profile in profiles for engine in profile.engines})
    output = Path(output)
    check_writable(output / "bundle")
    source = read_source(as_origin(checkpoint, spec))
    stages = _stages(source, calibration, evaluation, cache, progress, streaming)
    outcomes = []
    for profile in profiles:
        try:
            path = output / f"{source.name}-{profile.name}.edge"
            with converting(target=profile.name):
                report = _one(stages, profile, path, max_drop, precision)
            outcomes.append(Outcome(target=profile.name, report=report))
        except EdgeError as error:
            outcomes.append(Outcome(target=profile.name, error=error))
        settled(outcomes[-1])
    return tuple(outcomes)


def _profile(target: str | TargetProfile, engines: Sequence[str]) -> TargetProfile:
    profile = target if isinstance(target, TargetProfile) else load_target(target)
    return msgspec.structs.replace(profile, engines=tuple(engines)) if engines else profile


def _one(
    stages: Stages, profile: TargetProfile, output: Path, max_drop: float | None, precision: Choice
) -> ConversionReport:
    limit = float(profile.budgets.max_drop if max_drop is None else max_drop)
    found, contents, warnings = stages.run(profile, _precisions(profile, precision), limit)
    report = make_report(found, warnings)
    contents["report.json"] = msgspec.json.format(msgspec.json.encode(report), indent=1) + b"\n"
    write_bundle(output, make_manifest(found), contents)
    return msgspec.structs.replace(report, output=str(output))


def _stages(
    source: Source,
    calibration: str | Path,
    evaluation: str | Path | None,
    cache: str | Path | None,
    progress: Progress,
    streaming: bool,
) -> Stages:
    split = split_data(calibration, evaluation, Frontends(source.frontends).modalities)
    kept = default_cache() if cache == "default" else Path(cache) if cache is not None else None
    return Stages(source, split, StageCache(kept), progress, streaming=streaming)


def _check_output(output: Path) -> None:
    """See before long work that the output can be written and replaces nothing but a bundle."""
    check_writable(output)
    check_replaceable(output)


def _check(profile: TargetProfile, max_drop: float | None, precision: str) -> None:
    _precisions(profile, precision)
    if max_drop is not None and not max_drop >= 0:
        raise UsageError(f"The largest drop must be at least 0 points, not {max_drop:g}.")


def _precisions(profile: TargetProfile, precision: str) -> tuple[Precision, ...]:
    if precision == "auto":
        return profile.precisions
    if precision == "int8":
        return ("int8",)
    if precision == "fp32":
        return ("fp32",)
    raise UsageError(f"There is no precision {precision!r}; known: auto, int8, fp32.")

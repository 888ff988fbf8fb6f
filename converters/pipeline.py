"""Checkpoint to bundle: export, calibrate, quantise, gate, golden values, write."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
from torch import nn

from edge_sdk.bundle import write_bundle
from edge_sdk.bundle.writer import check_replaceable
from edge_sdk.errors import EdgeError, UsageError
from edge_sdk.files import check_writable, filling
from edge_sdk.frontends import Frontends
from edge_sdk.targets import TargetProfile

from .assemble import make_manifest
from .cache import StageCache, default_cache
from .data import split_data
from .extras import Extras, as_json
from .memory import frozen
from .progress import Progress, silent
from .recipe import Choice, Recipe, encode_recipe
from .report import ConversionReport
from .settings import Settings, as_ladder, settle_settings
from .source import Source
from .sources import Origin, as_origin, read_source
from .stages import Stages
from .summary import make_report
from .verify_tensorrt import require_compiler
from .whereabouts import converting


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
    target: str | TargetProfile | None = None,
    evaluation: str | Path | None = None,
    recipe: str | Path | Recipe | None = None,
    max_drop: float | None = None,
    max_size: str | None = None,
    max_latency: str | None = None,
    measure: bool | None = None,
    precision: Choice | None = None,
    engines: Sequence[str] = (),
    check_kernels: bool = False,
    streaming: bool | None = None,
    variants: str | Sequence[str] | None = None,
    small_drop: float | None = None,
    prune: str | Sequence[float] | None = None,
    recover: int | None = None,
    finetune: str | None = None,
    finetune_int8: int | None = None,
    recovery_data: str | Path | None = None,
    write_recipe: str | Path | None = None,
    report: bool = False,
    report_to: str | Path | None = None,
    spec: str | Path | None = None,
    cache: str | Path | None = "default",
    progress: Progress = silent,
) -> ConversionReport:
    """Convert a checkpoint into a verified bundle for one target, in this process.

    A native crash of a converter ends the process; ``edge-sdk convert`` has it in another one.

    What an argument does not say, the recipe says; what neither says, the target's profile.

    Args:
        checkpoint: a ``.pt`` file or a folder with ``model.safetensors`` and ``config.json``;
            or, with ``spec``, a model of your own: an nn.Module, a ``.pt2`` or ``.onnx`` file, or
            an :class:`~edge_sdk.converters.sources.Origin`.
        calibration: a sample set of real samples, at least 32 with each modality.
        output: the bundle: a ``.edge`` file, or a folder.
        target: a profile, its name, or the path of a ``.toml`` file; by default the recipe's, or
            this machine.
        evaluation: a sample set held out for the gate; without it a share of ``calibration``
            is kept out of calibration for that.
        recipe: decisions as data: a :class:`~edge_sdk.converters.recipe.Recipe`, or its file.
        max_drop: points of macro-F1 that a head may lose.
        max_size: bytes of an edition's graphs, with a unit: ``2MB``.
        max_latency: time of an answer, encoders and head, with a unit: ``25ms``. Candidates are
            then measured on this machine.
        measure: measure the candidates, and choose by time where this machine stands for the
            target.
        precision: one precision for every part, or ``auto``: the target's order of preference.
        engines: an edition for each of these, in order of preference; by default the target's.
        streaming: a streaming form of the audio encoder also where it is a graph of its own with
            weights of its own (LiteRT); ONNX graphs stream wherever their layers allow it.
        check_kernels: insist that TensorRT's compiler is here, for the report to say which
            kernels it has for every graph of a kit. Where it is here it is asked anyway.
        variants: the rungs of a ladder, from the costliest: ``full``, ``small``, ``audio-only``.
        small_drop: points that a head may lose on the rung ``small``; by default three times
            ``max_drop``, and at least 3.
        prune: shares of the channels to remove (``"0.3,0.5"``): pruned candidates, tried beside
            the model as it came; the smallest, or measured the fastest, that keeps the budgets
            ships.
        recover: most epochs of recovery on ``calibration``; 0 leaves pruned models raw. Without
            ``prune``, pruned candidates are tried where nothing else keeps the budgets.
        finetune: ``package.module:function`` that recovers instead; see
            :class:`~edge_sdk.converters.pruning.Recovery`.
        finetune_int8: most epochs of fine-tuning with the rounding of int8; tried where int8
            breaks ``max_drop`` otherwise.
        recovery_data: a sample set to recover and fine-tune on, instead of ``calibration``;
            evaluation samples are left out of it.
        write_recipe: where to write the recipe that was used (the bundle carries it, too).
        report: let the bundle carry ``report.html`` and all figures in ``report.json``. Where
            candidates were measured, its bytes then differ from run to run.
        report_to: a folder that is to have both, beside the bundle.
        spec: the ``model.toml`` that says what a model of your own takes and answers.
        cache: where results of stages are kept (None: nowhere).
        progress: called as stages go on.

    Raises:
        UsageError: an unknown target, precision, variant or unit, a malformed recipe, or a spec
            that is wrong or lacks.
        CheckpointError: the checkpoint is damaged, unsafe or inconsistent, or a model is not
            what its spec says.
        DataError: too few samples, a malformed set, or an unknown label.
        InputError: a file of a sample cannot be used.
        ExportError: a part cannot be exported, or differs from torch.
        CrashError: a converter raised what it never should.
        BudgetError: no candidate keeps the budgets; nothing is written.
        DependencyError: the tools for one of the target's engines are not installed.
        StorageError: the output or the cache cannot be written, or something that is no bundle
            is where the output is to go.
    """
    settings = settle_settings(recipe, target, _options(locals()))
    if check_kernels:
        require_compiler(settings.profile.engines)
    output = Path(output)
    _check_output(output)
    extras = Extras(write_recipe, report, report_to)
    extras.check()
    source = read_source(as_origin(checkpoint, spec))
    _check_trains([settings], recovery_data)
    streams = settings.recipe.streaming
    stages = _stages(source, (calibration, evaluation, recovery_data), cache, progress, streams)
    with frozen(), converting(target=settings.profile.name):
        return _one(stages, settings, output, extras)


def convert_targets(
    checkpoint: str | Path | nn.Module | Origin,
    targets: Sequence[str | TargetProfile],
    *,
    calibration: str | Path,
    output: str | Path,
    evaluation: str | Path | None = None,
    recipe: str | Path | Recipe | None = None,
    max_drop: float | None = None,
    max_size: str | None = None,
    max_latency: str | None = None,
    measure: bool | None = None,
    precision: Choice | None = None,
    engines: Sequence[str] = (),
    check_kernels: bool = False,
    streaming: bool | None = None,
    variants: str | Sequence[str] | None = None,
    small_drop: float | None = None,
    prune: str | Sequence[float] | None = None,
    recover: int | None = None,
    finetune: str | None = None,
    finetune_int8: int | None = None,
    recovery_data: str | Path | None = None,
    spec: str | Path | None = None,
    cache: str | Path | None = "default",
    progress: Progress = silent,
    settled: Callable[[Outcome], None] = lambda outcome: None,
) -> tuple[Outcome, ...]:
    """Convert for several targets in one run: ``output/<model>-<target>.edge`` each.

    What the targets share is done once. A target that fails does not keep the others from
    finishing; its outcome carries the error. ``settled`` is called with each outcome at once.
    ``output`` is made where it is missing. Arguments and errors that concern all targets are
    those of :func:`convert`.
    """
    options = _options(locals())
    every = [settle_settings(recipe, target, options) for target in targets]
    if check_kernels:
        require_compiler({engine for settings in every for engine in settings.profile.engines})
    _check_trains(every, recovery_data)
    outcomes = []
    with filling(Path(output)) as folder:
        source = read_source(as_origin(checkpoint, spec))
        streams = any(settings.recipe.streaming for settings in every)
        data = (calibration, evaluation, recovery_data)
        stages = _stages(source, data, cache, progress, streams)
        with frozen():
            for settings in every:
                name = settings.profile.name
                try:
                    path = folder / f"{source.name}-{name}.edge"
                    with converting(target=name):
                        made = _one(stages, settings, path, Extras())
                    outcomes.append(Outcome(target=name, report=made))
                except EdgeError as error:
                    outcomes.append(Outcome(target=name, error=error))
                settled(outcomes[-1])
    return tuple(outcomes)


def _options(given: dict[str, Any]) -> dict[str, Any]:
    """The arguments that settings are made of."""
    return {
        **{name: given[name] for name in _PLAIN},
        "engines": tuple(given["engines"]),
        "variants": as_ladder(given["variants"]),
    }


_PLAIN = (
    "max_drop", "max_size", "max_latency", "measure", "precision", "small_drop", "streaming",
    "prune", "recover", "finetune", "finetune_int8",
)  # fmt: skip


def _one(stages: Stages, settings: Settings, output: Path, extras: Extras) -> ConversionReport:
    found, contents = stages.run(
        settings.profile, settings.precisions, settings.recipe, ordered=settings.ordered
    )
    found.notes.extend(settings.notes)
    report = make_report(found)
    if extras.wants_report:
        report = msgspec.structs.replace(report, evidence=stages.evidence(found))
    full = extras.files(report)
    contents["report.json"] = as_json(report.lasting())
    if extras.report:
        contents |= full
    contents["recipe.toml"] = used = encode_recipe(found.recipe)
    write_bundle(output, make_manifest(found), contents)
    extras.write(used, full)
    return msgspec.structs.replace(report, output=str(output))


def _stages(
    source: Source,
    data: tuple[str | Path, str | Path | None, str | Path | None],
    cache: str | Path | None,
    progress: Progress,
    streaming: bool,
) -> Stages:
    calibration, evaluation, recovery = data
    modalities = Frontends(source.frontends).modalities
    split = split_data(calibration, evaluation, modalities, recovery)
    kept = default_cache() if cache == "default" else Path(cache) if cache is not None else None
    return Stages(source, split, StageCache(kept), progress, streaming=streaming)


def _check_trains(every: Sequence[Settings], recovery_data: str | Path | None) -> None:
    """See that samples to recover on are of use to one of the targets."""
    if recovery_data is not None and not any(settings.trains for settings in every):
        raise UsageError(
            "--recovery-data has nothing to do: nothing is pruned and recovered (--recover, "
            "--prune), or fine-tuned for int8 (--finetune-int8)."
        )


def _check_output(output: Path) -> None:
    """See before long work that the output can be written and replaces nothing but a bundle."""
    check_writable(output)
    check_replaceable(output)
